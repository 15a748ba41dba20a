//! A command that is asked about: the program that it really is, its arguments and its folder.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

/// A command, as it was when it was asked about.
pub(super) struct Deed {
    program: String,
    arguments: Vec<String>,
    path: PathBuf,
    sha256: String,
    folder: PathBuf,
}

impl Deed {
    /// Finds the program as a shell would, and takes its measure.
    pub(super) fn of(command: &[OsString]) -> Result<Self, String> {
        let words = command.iter().map(|word| word.clone().into_string());
        let mut words = words
            .collect::<Result<Vec<_>, _>>()
            .map_err(|word| format!("{} is no text, so nobody could review it", word.display()))?
            .into_iter();
        let program = words.next().ok_or("there is no command")?;
        let folder = std::env::current_dir().map_err(|error| format!("the folder can't be told: {error}"))?;
        let path = resolve(&program, &folder).ok_or_else(|| format!("there is no program {program:?}"))?;
        let sha256 = digest(&path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
        Ok(Self { program, arguments: words.collect(), path, sha256, folder })
    }

    /// What the approver sees and signs.
    pub(super) fn arguments(&self) -> Value {
        json!({
            "program": self.program,
            "arguments": self.arguments,
            "folder": self.folder.to_string_lossy(),
            "path": self.path.to_string_lossy(),
            "sha256": self.sha256,
        })
    }

    /// Whether the program is still the one that was asked about.
    pub(super) fn still_is(&self) -> Result<(), String> {
        let path = resolve(&self.program, &self.folder);
        let same = path.as_ref() == Some(&self.path) && digest(&self.path).is_ok_and(|now| now == self.sha256);
        match same {
            true => Ok(()),
            false => Err(format!("{:?} is another program now than the one that was approved", self.program)),
        }
    }

    /// Runs it with this process's input and outputs.
    pub(super) fn run(&self) -> Result<ExitStatus, String> {
        let mut command = Command::new(&self.path);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, &self.program);
        command.args(&self.arguments).current_dir(&self.folder);
        command.status().map_err(|error| format!("{:?} did not start: {error}", self.program))
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.program)?;
        self.arguments.iter().try_for_each(|word| write!(f, " {word:?}"))
    }
}

/// By PATH where the name has no slash, else from the folder; links are followed to what would really run.
fn resolve(program: &str, folder: &Path) -> Option<PathBuf> {
    if program.contains(std::path::MAIN_SEPARATOR) {
        return folder.join(program).canonicalize().ok().filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find_map(|place| executable(&folder.join(place).join(program)))
}

fn executable(path: &Path) -> Option<PathBuf> {
    let named = |path: PathBuf| path.canonicalize().ok().filter(|path| path.is_file() && may_run(path));
    let ending = OsStr::new(std::env::consts::EXE_SUFFIX);
    named(path.to_owned()).or_else(|| {
        let mut longer = path.as_os_str().to_owned();
        longer.push(ending);
        named(longer.into()).filter(|_| !ending.is_empty())
    })
}

#[cfg(unix)]
fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
const fn may_run(_path: &Path) -> bool {
    true
}

fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut std::fs::File::open(path)?, &mut Hashing(&mut hasher))?;
    Ok(hex::encode(hasher.finalize()))
}

struct Hashing<'a>(&'a mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The command's own exit code; of one that a signal ended, what shells make of it.
pub(super) fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let by_signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let by_signal = None;
    let code = status.code().or(by_signal).unwrap_or(1);
    ExitCode::from(u8::try_from(code & 0xFF).unwrap_or(1))
}
