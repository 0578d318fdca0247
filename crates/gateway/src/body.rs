//! Bodies on their way through.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::Busy;
use crate::counters::Ended;
use crate::instance::UnderWay;
use crate::phases::Record;

/// A body broke off on our side of the connection.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(&'static str);

/// What went wrong with a streamed request body, for the phase that answers it.
#[derive(Debug, Default)]
pub(crate) struct Fault(AtomicU8);

impl Fault {
    const TOO_LARGE: u8 = 1;
    const CLIENT_GONE: u8 = 2;

    pub(crate) fn is_too_large(&self) -> bool {
        self.0.load(Relaxed) == Self::TOO_LARGE
    }

    pub(crate) fn is_clients(&self) -> bool {
        self.0.load(Relaxed) != 0
    }
}

/// A request body on its way to an instance.
pub(crate) enum Outgoing {
    /// Known as a whole.
    Whole(Bytes),
    /// What was read of it, and what is to come; never more than `left` bytes.
    Stream { first: Bytes, rest: Incoming, left: u64, fault: Arc<Fault> },
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream { first, .. } if !first.is_empty() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(first)))))
            }
            Self::Stream { rest, left, fault, .. } => {
                Poll::Ready(match ready!(Pin::new(rest).poll_frame(cx)) {
                    None => None,
                    Some(Ok(frame)) => {
                        let size = frame.data_ref().map_or(0, Bytes::len);
                        match left.checked_sub(u64::try_from(size).unwrap_or(u64::MAX)) {
                            Some(less) => {
                                *left = less;
                                Some(Ok(frame))
                            }
                            None => {
                                fault.0.store(Fault::TOO_LARGE, Relaxed);
                                Some(Err(Broken("the request body is longer than the limit")))
                            }
                        }
                    }
                    Some(Err(_)) => {
                        fault.0.store(Fault::CLIENT_GONE, Relaxed);
                        Some(Err(Broken("the client broke off its request")))
                    }
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream { first, rest, .. } => first.is_empty() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Stream { first, rest, .. } => {
                let read = u64::try_from(first.len()).unwrap_or(u64::MAX);
                rest.size_hint()
                    .exact()
                    .map_or_else(SizeHint::default, |rest| SizeHint::with_exact(rest.saturating_add(read)))
            }
        }
    }
}

/// A response body on its way to the client.
pub(crate) struct Answer {
    content: Content,
    /// The client's connection is busy until this is gone.
    _busy: Option<Busy>,
}

enum Content {
    Own(Bytes),
    Passing(Box<Passing>),
}

/// An instance's response body and all that hangs on its end.
struct Passing {
    inner: Incoming,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Taken at the end: the request is counted and the connection kept.
    open: Option<(Record, UnderWay, SendRequest<Outgoing>, Ended)>,
}

impl Answer {
    /// An answer of our own.
    pub(crate) const fn own(bytes: Bytes) -> Self {
        Self { content: Content::Own(bytes), _busy: None }
    }

    /// An instance's answer, which must be over at `deadline`; it then ended as `ended`.
    pub(crate) fn passing(
        inner: Incoming,
        deadline: Instant,
        record: Record,
        way: UnderWay,
        sender: SendRequest<Outgoing>,
        ended: Ended,
    ) -> Self {
        let open = Some((record, way, sender, ended));
        let mut passing = Passing { inner, deadline, sleep: None, open };
        passing.end_if_over();
        Self { content: Content::Passing(Box::new(passing)), _busy: None }
    }

    /// Keeps the client's connection busy for as long as this lasts.
    pub(crate) fn holding(self, busy: Busy) -> Self {
        Self { _busy: Some(busy), ..self }
    }
}

impl Passing {
    fn end_if_over(&mut self) {
        if self.inner.is_end_stream()
            && let Some((record, way, sender, ended)) = self.open.take()
        {
            way.instance.pool.keep(sender);
            record.end(ended);
        }
    }

    fn cut(&mut self, why: &'static str) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some((record, _, _, _)) = self.open.take() {
            record.end(Ended::Cut);
        }
        Poll::Ready(Some(Err(Broken(why))))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let passing = match &mut self.get_mut().content {
            Content::Own(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Content::Own(bytes) => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Passing(passing) => passing,
        };
        match Pin::new(&mut passing.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                passing.end_if_over();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => passing.cut("the instance broke off its response"),
            Poll::Ready(None) => {
                if let Some((record, way, sender, ended)) = passing.open.take() {
                    way.instance.pool.keep(sender);
                    record.end(ended);
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                let deadline = passing.deadline;
                let sleep = passing.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                ready!(sleep.as_mut().poll(cx));
                passing.cut("the response took longer than the route allows")
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(bytes) => bytes.is_empty(),
            Content::Passing(passing) => passing.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Content::Passing(passing) => passing.inner.size_hint(),
        }
    }
}

/// A request body as far as it was read: sent once, or again for as long as it is whole.
pub(crate) struct Kept {
    content: Option<Outgoing>,
    whole: Option<Bytes>,
    pub(crate) fault: Arc<Fault>,
}

impl Kept {
    /// Reads what can be kept for another try; the rest stays with the client until it is sent.
    pub(crate) async fn read(mut body: Incoming, limit: u64, keep: usize) -> Result<Self, Broken> {
        let fault = Arc::new(Fault::default());
        let mut read = bytes::BytesMut::new();
        let long =
            body.size_hint().exact().is_some_and(|size| size > u64::try_from(keep).unwrap_or(u64::MAX));
        while !long && read.len() <= keep && !body.is_end_stream() {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
            match frame {
                None => break,
                // Trailers are dropped: they are not declared onward.
                Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
                Some(Err(_)) => return Err(Broken("the client broke off its request")),
            }
        }
        let first = read.freeze();
        if !long && first.len() <= keep {
            return Ok(Self { content: None, whole: Some(first), fault });
        }
        let left = limit.saturating_sub(u64::try_from(first.len()).unwrap_or(u64::MAX));
        let content = Outgoing::Stream { first, rest: body, left, fault: Arc::clone(&fault) };
        Ok(Self { content: Some(content), whole: None, fault })
    }

    /// The body to send; none when it was streamed away already.
    pub(crate) fn take(&mut self) -> Option<Outgoing> {
        self.whole.clone().map(Outgoing::Whole).or_else(|| self.content.take())
    }

    /// Takes back a body of which nothing was sent.
    pub(crate) fn restore(&mut self, unsent: Outgoing) {
        if self.whole.is_none() {
            self.content = Some(unsent);
        }
    }

    /// Whether it can be sent any number of times.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Whether it can be sent (again).
    pub(crate) const fn is_at_hand(&self) -> bool {
        self.whole.is_some() || self.content.is_some()
    }
}
