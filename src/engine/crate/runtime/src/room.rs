//! What the process may still map, found out by mapping: limits of the address space (a small board, `RLIMIT_AS`), of
//! memory that may be promised (`vm.overcommit_memory=2`, `RLIMIT_DATA`) and of the number of mappings
//! (`vm.max_map_count`) all show in the same way.

use std::io;
use std::ptr::null_mut;

/// What everything but the pool needs: address space, and memory that may be written to.
const SPARE_ADDRESSES: usize = 1 << 30;
const SPARE_MEMORY: usize = 32 << 20;
const SPARE_MAPPINGS: usize = 256;
/// A linear memory in use: its image, what lies around it, and what is not accessible.
const MAPPINGS_PER_SANDBOX: usize = 4;
const PAGE: usize = 64 << 10;

/// Pages of this process, given back when dropped.
struct Mapping {
    start: *mut libc::c_void,
    size: usize,
}

impl Mapping {
    fn new(size: usize, protection: i32) -> io::Result<Mapping> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new pages where the kernel likes.
        let start = unsafe { libc::mmap(null_mut(), size, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Mapping { start, size }) }
    }

    /// Makes every other page of `PAGE` bytes readable, and so a mapping of its own.
    fn split(&self) -> io::Result<()> {
        for offset in (0..self.size).step_by(2 * PAGE) {
            // SAFETY: within our own pages, which nobody uses.
            let done = unsafe { libc::mprotect(self.start.byte_add(offset), PAGE, libc::PROT_READ) };
            if done != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: our own pages.
        unsafe { libc::munmap(self.start, self.size) };
    }
}

/// Whether a process that has its pool already can go on to work with `sandboxes` at a time.
pub fn is_left(sandboxes: usize) -> bool {
    let mappings = SPARE_MAPPINGS + sandboxes * MAPPINGS_PER_SANDBOX;
    let addresses = Mapping::new(SPARE_ADDRESSES, libc::PROT_NONE);
    let memory = Mapping::new(SPARE_MEMORY, libc::PROT_READ | libc::PROT_WRITE);
    addresses.is_ok()
        && memory.is_ok()
        && Mapping::new(mappings * PAGE, libc::PROT_NONE).and_then(|many| many.split()).is_ok()
}
