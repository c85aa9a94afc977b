//! Bytes → fields, and fields → bytes.
//!
//! Every length is checked against what is there and against a maximum that
//! its caller names; nothing is allocated from a length that was only declared.

/// Reads fields off the front of a byte string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// A field that does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// The bytes end before the field does.
    #[error("field is cut short")]
    Short,
    /// A declared length is over the field's maximum.
    #[error("length is over its maximum")]
    TooLong,
    /// Bytes follow the last field.
    #[error("bytes follow the last field")]
    Trailing,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// A 24-bit length.
    pub(crate) fn u24(&mut self) -> Result<usize, Malformed> {
        let [high, middle, low] = self.array()?;
        Ok(usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
    }

    /// A field behind its 8-bit length.
    pub(crate) fn sub_u8(&mut self, maximum: usize) -> Result<Self, Malformed> {
        let length = self.u8()?;
        self.sub(usize::from(length), maximum)
    }

    /// A field behind its 16-bit length.
    pub(crate) fn sub_u16(&mut self, maximum: usize) -> Result<Self, Malformed> {
        let length = self.u16()?;
        self.sub(usize::from(length), maximum)
    }

    /// A field behind its 24-bit length.
    pub(crate) fn sub_u24(&mut self, maximum: usize) -> Result<Self, Malformed> {
        let length = self.u24()?;
        self.sub(length, maximum)
    }

    /// Nothing may be left.
    pub(crate) const fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed::Trailing)
        }
    }

    fn sub(&mut self, length: usize, maximum: usize) -> Result<Self, Malformed> {
        if length > maximum {
            return Err(Malformed::TooLong);
        }
        self.take(length).map(Self::new)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*taken)
    }
}

/// Writes what `content` writes behind its 8-bit length.
pub(crate) fn write_u8_prefixed(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    write_prefixed::<1>(out, content);
}

/// Writes what `content` writes behind its 16-bit length.
pub(crate) fn write_u16_prefixed(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    write_prefixed::<2>(out, content);
}

/// Writes what `content` writes behind its 24-bit length.
pub(crate) fn write_u24_prefixed(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    write_prefixed::<3>(out, content);
}

/// Writes 16-bit code points one after the other.
pub(crate) fn write_code_points(out: &mut Vec<u8>, code_points: &[u16]) {
    out.extend(code_points.iter().copied().flat_map(u16::to_be_bytes));
}

/// The caller writes less than the prefix can count: what is written here is
/// ours, and a hello stays under one segment.
fn write_prefixed<const N: usize>(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; N]);
    content(out);
    let length = out.len() - start - N;
    debug_assert!(
        length < 1 << (8 * N),
        "{length} bytes behind a {N}-byte length"
    );
    let length = length.to_be_bytes().into_iter().rev();
    for (place, byte) in out.iter_mut().skip(start).take(N).rev().zip(length) {
        *place = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_read_back_as_they_were_written() {
        let mut out = vec![0xee];
        write_u8_prefixed(&mut out, |out| out.extend(b"ab"));
        write_u16_prefixed(&mut out, |out| write_code_points(out, &[0x0102, 0x0304]));
        write_u24_prefixed(&mut out, |out| out.resize(out.len() + 0x0001_0203, 7));
        let mut reader = Reader::new(&out);
        assert_eq!(reader.u8(), Ok(0xee));
        assert_eq!(reader.sub_u8(2).unwrap().rest(), b"ab");
        assert_eq!(reader.sub_u16(4).unwrap().rest(), [1, 2, 3, 4]);
        assert_eq!(
            reader.sub_u24(0x0001_0203).unwrap().rest().len(),
            0x0001_0203
        );
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_length_is_held_against_its_maximum_before_the_bytes() {
        assert_eq!(
            Reader::new(&[3, 1]).sub_u8(2).unwrap_err(),
            Malformed::TooLong
        );
        assert_eq!(
            Reader::new(&[2, 1]).sub_u8(2).unwrap_err(),
            Malformed::Short
        );
        assert_eq!(
            Reader::new(&[0xff; 3]).sub_u24(9).unwrap_err(),
            Malformed::TooLong
        );
    }

    #[test]
    fn what_is_cut_short_or_left_over_is_told_apart() {
        assert_eq!(Reader::new(&[1]).u16(), Err(Malformed::Short));
        assert_eq!(Reader::new(&[1, 2]).u24(), Err(Malformed::Short));
        assert_eq!(Reader::new(&[]).u8(), Err(Malformed::Short));
        assert_eq!(Reader::new(&[1]).finish(), Err(Malformed::Trailing));
    }
}
