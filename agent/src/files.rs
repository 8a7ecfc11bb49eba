//! Files that are either the old or the new one, whatever happens in between.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The name under which the next version of a file is written, in the same folder so that a rename replaces it.
pub fn next_version_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

/// The next version of a file while it is written. Dropped before it is in place, it is removed: what did not fit on a
/// full disk must not keep it full.
pub struct NextVersion {
    path: PathBuf,
    file: File,
    is_in_place: bool,
}

impl NextVersion {
    /// Starts the next version of the file at `path`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(path: &Path) -> io::Result<Self> {
        let next = next_version_of(path);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(next)?;
        Ok(Self { path: path.to_owned(), file, is_in_place: false })
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Makes it durable and puts it in the old one's place.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn replace(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(next_version_of(&self.path), &self.path)?;
        self.is_in_place = true;
        sync_folder(self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    }
}

impl Write for NextVersion {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NextVersion {
    fn drop(&mut self) {
        if !self.is_in_place {
            // The next attempt overwrites what stays.
            let _ = std::fs::remove_file(next_version_of(&self.path));
        }
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// When the disk refuses.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a small file durably.
///
/// # Errors
/// When the disk refuses; the file is then as it was.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut next = NextVersion::create(path)?;
    next.write_all(content)?;
    next.replace()
}
