//! Who runs this process: `user@machine, process 4711`.

use nix::unistd::{Uid, User, gethostname};

/// The user by name, or by number where the system knows no name.
pub(super) fn name() -> String {
    let number = Uid::effective();
    let user = User::from_uid(number).ok().flatten();
    let user = user.map_or_else(|| number.to_string(), |user| user.name);
    let machine = gethostname().unwrap_or_default();
    format!(
        "{user}@{}, process {}",
        machine.to_string_lossy(),
        std::process::id()
    )
}
