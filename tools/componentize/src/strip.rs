//! Leaves out what a component does not need to run: the names of its parts, its producers.

use anyhow::{Context, Result};

const HEADER_SIZE_BYTES: usize = 8;
const CUSTOM_SECTION: u8 = 0;

/// Copies a binary without the custom sections of its outermost level.
pub fn without_custom_sections(binary: &[u8]) -> Result<Vec<u8>> {
    let (header, mut rest) = binary.split_at_checked(HEADER_SIZE_BYTES).context("a binary without a header")?;
    let mut kept = header.to_vec();
    while let Some(&id) = rest.first() {
        let (size_bytes, used) = unsigned(&rest[1..])?;
        let end = 1 + used + size_bytes;
        let section = rest.get(..end).context("a section beyond the end")?;
        if id != CUSTOM_SECTION {
            kept.extend_from_slice(section);
        }
        rest = &rest[end..];
    }
    Ok(kept)
}

/// Reads a LEB128 number and says how many bytes it took.
fn unsigned(bytes: &[u8]) -> Result<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    anyhow::bail!("a section whose size is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn custom_sections_go_and_others_stay() {
        let binary = [HEADER, &[0, 3, 1, b'n', 9], &[7, 2, 5, 5], &[0, 0], &[11, 0]].concat();
        assert_eq!(without_custom_sections(&binary).unwrap(), [HEADER, &[7, 2, 5, 5], &[11, 0]].concat());
    }

    #[test]
    fn long_sizes_are_read() {
        let long = vec![1; 300];
        let binary = [HEADER, &[7, 0xac, 0x02], &long[..], &[0, 0x80, 0x00]].concat();
        assert_eq!(without_custom_sections(&binary).unwrap(), [HEADER, &[7, 0xac, 0x02], &long[..]].concat());
    }

    #[test]
    fn broken_binaries_are_refused() {
        for broken in
            [&b"\0asm"[..], &[HEADER, &[7]].concat(), &[HEADER, &[7, 2, 5]].concat(), &[HEADER, &[7, 0x80]].concat()]
        {
            assert!(without_custom_sections(broken).is_err(), "{broken:?}");
        }
        let endless = [HEADER, &[7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        assert!(without_custom_sections(&endless).is_err());
    }
}
