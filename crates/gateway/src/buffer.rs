//! Memory for bytes on their way.
//!
//! A connection that waits holds none: a block is taken when the kernel has bytes, and given back when they are done
//! with. So the number of blocks follows the requests that move at this instant, not the connections.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::socket::Socket;

/// How much is read at once. A head must fit.
pub(crate) const BLOCK: usize = 64 * 1024;

/// Spare blocks, and spare vectors, that a thread keeps.
const SPARE: usize = 64;

/// A vector that has grown beyond this is not kept.
const SCRAP: usize = 4 * 1024;

/// What the connections of one thread take from and give back to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store(Rc<RefCell<Spare>>);

#[derive(Debug, Default)]
struct Spare {
    blocks: Vec<Box<[u8]>>,
    scraps: Vec<Vec<u8>>,
}

impl Store {
    /// An empty vector.
    pub(crate) fn scrap(&self) -> Vec<u8> {
        self.0.borrow_mut().scraps.pop().unwrap_or_default()
    }

    /// Gives a vector back.
    pub(crate) fn keep(&self, mut scrap: Vec<u8>) {
        let scraps = &mut self.0.borrow_mut().scraps;
        if scraps.len() < SPARE && (1..=SCRAP).contains(&scrap.capacity()) {
            scrap.clear();
            scraps.push(scrap);
        }
    }

    fn take(&self) -> Box<[u8]> {
        let block = self.0.borrow_mut().blocks.pop();
        block.unwrap_or_else(|| vec![0; BLOCK].into_boxed_slice())
    }

    fn give(&self, block: Box<[u8]>) {
        let blocks = &mut self.0.borrow_mut().blocks;
        if blocks.len() < SPARE {
            blocks.push(block);
        }
    }
}

/// Bytes that were read from a connection and are not done with.
#[derive(Debug)]
pub(crate) struct Inbox {
    store: Store,
    block: Option<Box<[u8]>>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub(crate) const fn new(store: Store) -> Self {
        Self { store, block: None, start: 0, end: 0 }
    }

    /// What is there.
    pub(crate) fn unread(&self) -> &[u8] {
        self.block.as_deref().and_then(|block| block.get(self.start..self.end)).unwrap_or_default()
    }

    /// Whether no more would fit.
    pub(crate) const fn is_full(&self) -> bool {
        self.end - self.start == BLOCK
    }

    /// So many bytes are done with.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if let Some(block) = self.block.take() {
                self.store.give(block);
            }
        }
    }

    /// Reads more; 0 is the end of the connection. A full inbox must be emptied first.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<io::Result<usize>> {
        let mut block = self.block.take().unwrap_or_else(|| self.store.take());
        if self.start > 0 && self.end == BLOCK {
            block.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let read = socket.poll_read(cx, block.get_mut(self.end..).unwrap_or_default());
        self.block = Some(block);
        if let Poll::Ready(Ok(bytes)) = &read {
            self.end += bytes;
        }
        self.consume(0);
        Poll::Ready(ready!(read))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if let Some(block) = self.block.take() {
            self.store.give(block);
        }
    }
}
