//! Programs under test: started, waited for, ended.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// How long a program may take to start, to answer, to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The executable `name`, beside the one that cargo built for this test.
pub(crate) fn executable(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_noctis")).with_file_name(name);
    assert!(path.exists(), "{name} is not built: cargo build --workspace --bins");
    path
}

/// `name` with an environment that has no setting of whoever runs the tests.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(executable(name));
    for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("NOCTIS_")) {
        command.env_remove(variable);
    }
    command.env("NOCTIS_LOG", "warn");
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("started")
}

/// A program that serves.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// Where it listens.
    pub(crate) url: String,
}

impl Program {
    /// Starts `command` and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("started");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (line, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        let mut program = Self { child, lines, url: String::new() };
        program.url = program.wait_for_line("listening on ").trim_start_matches("listening on ").to_owned();
        program
    }

    /// The next line of standard output that begins so.
    pub(crate) fn wait_for_line(&mut self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.starts_with(start) => return line,
                Ok(_) => {}
                Err(error) => panic!("no line {start:?}: {error}, {:?}", self.child.try_wait()),
            }
        }
    }

    /// Asks it to end by SIGTERM and waits for it.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        wait_until("the program ends", || self.child.try_wait().expect("waited"))
    }

    /// Ends it at once, without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().expect("kill");
        assert!(sent.success());
    }

    /// Ids of its direct children.
    pub(crate) fn children(&self) -> Vec<String> {
        let id = self.child.id();
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).expect("its threads");
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _it_ended_before = self.child.kill();
        let _it_was_waited_for = self.child.wait();
    }
}

/// Asks `what` again and again until it has something.
pub(crate) fn wait_until<T>(name: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = what() {
            return value;
        }
        assert!(Instant::now() < deadline, "{name}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
