//! Line icons, drawn in the page. Shapes after Lucide (<https://lucide.dev>, ISC licence, Copyright (c) Lucide
//! Contributors); the brand's mark is our own.

use yew::prelude::*;

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    Alert,
    Back,
    Bell,
    Bot,
    Check,
    Close,
    Copy,
    Inbox,
    Info,
    Key,
    Mark,
    More,
    People,
    Plug,
    Plus,
    Refresh,
    Send,
    Shield,
    SignOut,
    SortDown,
    SortUp,
    Steps,
    Unfold,
}

impl Picture {
    const fn shape(self) -> &'static str {
        match self {
            Self::Alert => "M12 3.5 2.5 20h19zM12 10v4M12 17.2v.1",
            Self::Back => "m15 18-6-6 6-6",
            Self::Bell => "M6 9a6 6 0 0 1 12 0c0 5 2 7 3 8H3c1-1 3-3 3-8zM10 20.5a2.2 2.2 0 0 0 4 0",
            Self::Bot => {
                "M7 8h10a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3v-6a3 3 0 0 1 3-3zM12 8V4M9 13v2M15 13v2"
            }
            Self::Check => "m5 12.5 4.5 4.5L19 7.5",
            Self::Close => "M18 6 6 18M6 6l12 12",
            Self::Copy => {
                "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H10a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2zM4 16a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2"
            }
            Self::Inbox => "M22 12h-6l-2 3h-4l-2-3H2M5.5 5h13L22 12v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-6z",
            Self::Info => "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 11v5M12 8v.1",
            Self::Key => {
                "M14.5 3a6.5 6.5 0 0 1 1.5 12.8 6.5 6.5 0 0 1-4.3-.5L9.5 17.5H7V20H3v-4l6.2-6.2A6.5 6.5 0 0 1 14.5 3zM16 8v.1"
            }
            Self::Mark => "M4 17c4-9 7-11 8-8s-3 8 0 8 4-7 8-6M4 21h16",
            Self::More => {
                "M4 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM11 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM18 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0z"
            }
            Self::People => {
                "M9 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM2.5 20a6.5 6.5 0 0 1 13 0M16 5a3.5 3.5 0 0 1 0 6.5M18 14.5a6.5 6.5 0 0 1 3.5 5.5"
            }
            Self::Plug => "M9 7V3M15 7V3M6 7h12v5a6 6 0 0 1-12 0zM12 18v3",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Refresh => "M21 12a9 9 0 0 1-15.5 6.2L3 16M3 12a9 9 0 0 1 15.5-6.2L21 8M21 3v5h-5M3 21v-5h5",
            Self::Send => "M21 3 3 10.5l7 3 3 7zM21 3l-11 10.5",
            Self::Shield => "M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6z",
            Self::SignOut => "M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4M16 17l5-5-5-5M21 12H9",
            Self::SortDown => "M12 5v14M6 13l6 6 6-6",
            Self::SortUp => "M12 19V5M6 11l6-6 6 6",
            Self::Steps => "M4 4h5v5H4zM15 15h5v5h-5zM9 6.5h6a2 2 0 0 1 2 2V15",
            Self::Unfold => "m6 9 6 6 6-6",
        }
    }
}

/// An icon; the words beside it say what it means.
pub(crate) fn icon(of: Picture) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d={of.shape()} /></svg>
    }
}
