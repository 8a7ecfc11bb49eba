//! Bodies that are still coming when the answer is there.

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::TRANSFER_ENCODING,
    middleware::Next,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

/// Middleware: closes the connection when the answer is there before the whole body is. actix does so by itself where the
/// length of the body was announced. Of one in chunks it goes on reading what nobody wants, for as long as it comes, so
/// that the connection can be used again; unless the body is still held while the answer is sent.
pub async fn close<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, Holding>>, Error> {
    if !request.headers().contains_key(TRANSFER_ENCODING) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let held = Rc::new(RefCell::new(request.take_payload()));
    let read = held.clone();
    let payload = stream::poll_fn(move |context| read.borrow_mut().poll_next_unpin(context)).boxed_local();
    request.set_payload(Payload::Stream { payload });
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(response.map_body(|_, answer| EitherBody::right(Holding { answer, _held: held })))
}

/// An answer that holds the body of its request.
pub struct Holding {
    answer: BoxBody,
    _held: Rc<RefCell<Payload>>,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}
