//! Files that are either the old or the new one, whatever happens in between.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The name under which the next version of a file is written, in the same folder so that a rename replaces it.
pub fn next_version_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

/// Makes `new` durable and puts it in the place of `path`.
///
/// # Errors
/// When the disk refuses; `path` is then as it was.
pub fn replace(path: &Path, new: &File) -> io::Result<()> {
    new.sync_all()?;
    std::fs::rename(next_version_of(path), path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Writes a small file durably.
///
/// # Errors
/// When the disk refuses; the file is then as it was.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(next_version_of(path))?;
    file.write_all(content)?;
    replace(path, &file)
}
