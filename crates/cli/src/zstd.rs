//! A zstd file of any number of frames, as parallel packers and joined files have them, as one stream.

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufRead, Read};

/// The bytes of all frames, one after the other.
pub(crate) struct Frames<R: BufRead> {
    /// None after the last.
    frame: Option<StreamingDecoder<R, FrameDecoder>>,
}

impl<R: BufRead> Frames<R> {
    /// Looks at the first frame at once.
    pub(crate) fn new(packed: R) -> io::Result<Self> {
        let mut frames = Self { frame: None };
        frames.open(packed)?;
        Ok(frames)
    }

    fn open(&mut self, mut packed: R) -> io::Result<()> {
        if !packed.fill_buf()?.is_empty() {
            self.frame = Some(StreamingDecoder::new(packed).map_err(io::Error::other)?);
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            let read = frame.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            let packed = self.frame.take().map(StreamingDecoder::into_inner);
            packed.map_or(Ok(()), |packed| self.open(packed))?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    #[test]
    fn hand_two_frames_are_one_text() {
        let packed =
            [&b"one\n"[..], b"two\n"].map(|text| compress_to_vec(text, CompressionLevel::Fastest)).concat();
        let mut text = String::new();
        Frames::new(&*packed)
            .and_then(|mut frames| frames.read_to_string(&mut text))
            .expect("two whole frames");
        assert_eq!(text, "one\ntwo\n");
        let cut = &packed[..packed.len() - 3];
        assert!(Frames::new(cut).and_then(|mut frames| frames.read_to_string(&mut text)).is_err());
        assert_eq!(
            Frames::new(&b""[..]).and_then(|mut frames| frames.read(&mut [0; 8])).expect("nothing"),
            0
        );
    }
}
