//! The desktop app's window among those of other programs, on a screen with a window manager.

use crate::desktop::given_team;
use support::{Computer, SHORTCUT, WINDOW};

const OTHER: &str = "Letters";

#[tokio::test]
async fn a_click_on_a_notification_brings_the_window_in_front_of_the_others() {
    let team = given_team().await;
    let computer = Computer::start().await;
    let manager = computer.manager().await;
    let app = team.app_on(&computer).await;
    manager.opens(OTHER).await;
    team.held(4_900).await;
    let shown = computer.notifications.showing("invoice-bot asks").await;
    manager.has_in_front(OTHER).await;
    computer.notifications.press(&shown, None).await;
    manager.has_in_front(WINDOW).await;
    app.says("card-arguments", "4900").await;
    team.dana.quit().await;
    app.quit().await;
}

#[tokio::test]
async fn minimised_it_comes_back_by_a_second_start_by_the_keys_and_by_the_tray() {
    let computer = Computer::start().await;
    let manager = computer.manager().await;
    let app = computer.app(&[]).await;
    app.shows("Where is your desk?").await;
    manager.opens(OTHER).await;

    manager.minimises(WINDOW).await;
    assert!(computer.start_app(&[]).wait().await.unwrap().success());
    manager.has_in_front(WINDOW).await;

    manager.minimises(WINDOW).await;
    computer.screen.press(&SHORTCUT);
    manager.has_in_front(WINDOW).await;

    manager.minimises(WINDOW).await;
    computer.tray.choose("Open Countersign").await;
    manager.has_in_front(WINDOW).await;
    app.quit().await;
}

#[tokio::test]
async fn it_is_where_it_was_left_however_often_it_starts_and_as_large_as_the_screen_if_it_was() {
    let computer = Computer::start().await;
    let manager = computer.manager().await;
    let app = computer.app(&[]).await;
    app.shows("Where is your desk?").await;
    manager.moves(WINDOW, (200, 150, 900, 700)).await;
    let place = manager.place_of(WINDOW).await;
    app.quit().await;
    // A frame that counts as the window's own would move it on at each start.
    for _ in 0..2 {
        let app = computer.app(&[]).await;
        manager.has_at(WINDOW, place).await;
        app.quit().await;
    }
    let app = computer.app(&[]).await;
    manager.maximises(WINDOW).await;
    app.quit().await;
    let app = computer.app(&[]).await;
    manager.is_maximised(WINDOW).await;
    app.quit().await;
}
