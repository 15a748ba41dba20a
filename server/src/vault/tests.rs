use super::*;
use proptest::prelude::*;
use secrecy::SecretString;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const ID: Uuid = Uuid::from_u128(7);
const KIND: &str = "request.arguments";

fn a_vault() -> Vault {
    vault_of(&hex::encode([3; 32]))
}

fn vault_of(key: &str) -> Vault {
    Vault::open(&MasterKeySource::Value(SecretString::from(key))).unwrap()
}

fn a_folder() -> (TempDir, MasterKeySource) {
    let folder = TempDir::new().unwrap();
    let source = MasterKeySource::DataFolder(folder.path().to_owned());
    (folder, source)
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

proptest! {
    #[test]
    fn what_was_sealed_opens_again(plain in any::<Vec<u8>>(), kind in any::<String>(), id in any::<u128>()) {
        let vault = a_vault();
        let sealed = vault.seal(&kind, Uuid::from_u128(id), &plain).unwrap();
        prop_assert_eq!(vault.unseal(&kind, Uuid::from_u128(id), &sealed).unwrap(), plain);
    }

    #[test]
    fn any_flipped_bit_is_refused(plain in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let vault = a_vault();
        let mut sealed = vault.seal(KIND, ID, &plain).unwrap();
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(vault.unseal(KIND, ID, &sealed).is_err());
    }

    #[test]
    fn any_shortened_record_is_refused(plain in any::<Vec<u8>>(), to in any::<prop::sample::Index>()) {
        let vault = a_vault();
        let sealed = vault.seal(KIND, ID, &plain).unwrap();
        prop_assert!(vault.unseal(KIND, ID, &sealed[..to.index(sealed.len())]).is_err());
    }

    #[test]
    fn junk_is_refused(junk in any::<Vec<u8>>()) {
        prop_assert!(a_vault().unseal(KIND, ID, &junk).is_err());
    }
}

#[test]
fn a_record_opens_only_as_what_it_was_sealed_as() {
    let vault = a_vault();
    let sealed = vault.seal(KIND, ID, b"x").unwrap();
    assert!(matches!(vault.unseal("request.result", ID, &sealed), Err(VaultError::Tampered)));
    assert!(matches!(vault.unseal(KIND, Uuid::from_u128(8), &sealed), Err(VaultError::Tampered)));
}

#[test]
fn the_same_record_is_never_sealed_to_the_same_bytes() {
    let vault = a_vault();
    assert_ne!(vault.seal(KIND, ID, b"x").unwrap(), vault.seal(KIND, ID, b"x").unwrap());
}

#[test]
fn another_master_key_is_named_as_the_reason() {
    let sealed = a_vault().seal(KIND, ID, b"x").unwrap();
    let other = vault_of(&hex::encode([4; 32]));
    let error = other.unseal(KIND, ID, &sealed).unwrap_err();
    assert!(matches!(error, VaultError::WrongKey { .. }));
    assert!(error.to_string().contains(&a_vault().key_id().to_string()), "{error}");
}

#[test]
fn a_key_reads_as_hex_and_as_base64() {
    let hex = vault_of(&hex::encode([3; 32]));
    let base64 =
        vault_of(&format!(" {}\n", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [3; 32])));
    assert_eq!(hex.key_id(), base64.key_id());
}

#[test]
fn what_is_no_key_is_refused_without_showing_it() {
    for bad in ["", "hunter2", &"0".repeat(63), &"zz".repeat(32), &format!("{},oops", "00".repeat(32))] {
        let error = Vault::open(&MasterKeySource::Value(SecretString::from(bad))).unwrap_err();
        assert!(matches!(error, VaultError::NotAKey(_)));
        assert!(bad.is_empty() || !error.to_string().contains(bad));
    }
}

#[test]
fn debug_shows_no_key() {
    assert!(!format!("{:?}", a_vault()).contains("0303"));
}

#[test]
fn the_first_start_makes_a_key_and_later_ones_use_it() {
    let (folder, source) = a_folder();
    let sealed = Vault::open(&source).unwrap().seal(KIND, ID, b"x").unwrap();
    assert_eq!(Vault::open(&source).unwrap().unseal(KIND, ID, &sealed).unwrap(), b"x");
    assert_eq!(names_in(folder.path()), ["master.key"]);
}

#[test]
fn processes_that_start_at_once_agree_on_one_key() {
    let (_folder, source) = a_folder();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..8).map(|_| scope.spawn(|| Vault::open(&source).unwrap().key_id())).collect();
        starting.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_key_file_that_must_exist_is_not_made() {
    let (folder, _) = a_folder();
    let missing = MasterKeySource::File(folder.path().join("elsewhere.key"));
    assert!(matches!(Vault::open(&missing), Err(VaultError::KeyFile { .. })));
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_key_file_is_made_for_its_owner_alone_and_refused_when_others_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, source) = a_folder();
    Vault::open(&source).unwrap();
    let path = folder.path().join("master.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Vault::open(&source).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_rotation_that_stops_anywhere_loses_nothing() {
    let (folder, source) = a_folder();
    let before = Vault::open(&source).unwrap();
    let records: Vec<_> = (0..4).map(|n| before.seal(KIND, Uuid::from_u128(n), b"x").unwrap()).collect();

    start_rotation(&source).unwrap();
    let during = Vault::open(&source).unwrap();
    assert_ne!(during.key_id(), before.key_id());
    // The machine stops after two of four; both keys are still there.
    let mut rewrapped: Vec<_> = records.iter().take(2).map(|record| during.rewrap(record).unwrap().unwrap()).collect();
    rewrapped.extend_from_slice(&records[2..]);
    let again = Vault::open(&source).unwrap();
    for (n, record) in rewrapped.iter().enumerate() {
        assert_eq!(again.unseal(KIND, Uuid::from_u128(n as u128), record).unwrap(), b"x");
    }

    // It goes on where it stopped: what is done already is left alone.
    assert!(again.rewrap(&rewrapped[0]).unwrap().is_none());
    let done: Vec<_> =
        rewrapped.iter().map(|record| again.rewrap(record).unwrap().unwrap_or_else(|| record.clone())).collect();
    finish_rotation(&source).unwrap();
    let after = Vault::open(&source).unwrap();
    for (n, record) in done.iter().enumerate() {
        assert_eq!(after.unseal(KIND, Uuid::from_u128(n as u128), record).unwrap(), b"x");
    }
    assert!(matches!(after.unseal(KIND, ID, &records[0]), Err(VaultError::WrongKey { .. })));
    assert_eq!(names_in(folder.path()), ["master.key"]);
}

#[cfg(unix)]
#[test]
fn a_rotated_key_file_is_still_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, source) = a_folder();
    Vault::open(&source).unwrap();
    start_rotation(&source).unwrap();
    assert_eq!(fs::metadata(folder.path().join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_key_from_the_environment_rotates_as_a_list() {
    let (old, new) = ("03".repeat(32), "04".repeat(32));
    let sealed = vault_of(&old).seal(KIND, ID, b"x").unwrap();
    let both = vault_of(&format!("{new},{old}"));
    let rewrapped = both.rewrap(&sealed).unwrap().unwrap();
    assert_eq!(vault_of(&new).unseal(KIND, ID, &rewrapped).unwrap(), b"x");
    assert!(matches!(start_rotation(&MasterKeySource::Value(SecretString::from(old))), Err(VaultError::NotAFile)));
}

#[test]
fn a_desk_that_was_sealed_before_gets_no_new_key_in_silence() {
    let (folder, source) = a_folder();
    let before = Vault::open(&source).unwrap().key_id();
    assert_eq!(Vault::open_again(&source, before).unwrap().key_id(), before);

    std::fs::remove_file(folder.path().join("master.key")).unwrap();
    let lost = Vault::open_again(&source, before).unwrap_err();
    assert!(matches!(lost, VaultError::KeyLost { .. }));
    assert!(lost.to_string().contains(&before.to_string()), "{lost}");
    assert_eq!(names_in(folder.path()), Vec::<String>::new());

    Vault::open(&source).unwrap();
    assert!(matches!(Vault::open_again(&source, before), Err(VaultError::WrongKey { .. })));
}
