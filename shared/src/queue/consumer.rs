//! Consumers: where work comes from.

use super::{
    delivery::{Delivery, Loan},
    memory, rabbitmq,
};

/// Takes the messages of one lane, at most its prefetch unsettled at a time.
#[derive(Debug)]
pub struct Consumer(pub(super) Inner);

#[derive(Debug)]
pub(super) enum Inner {
    Memory(memory::Consumer),
    RabbitMq(Box<rabbitmq::Consumer>),
}

impl Consumer {
    /// The next delivery. Waits through outages of the broker; `None` only after [`stop`](Self::stop) or when the
    /// queue was closed. Cancel safe: a call that is dropped loses no message.
    pub async fn next(&mut self) -> Option<Delivery> {
        match &mut self.0 {
            Inner::Memory(consumer) => Some(Delivery::new(consumer.next().await?, Loan::Memory)),
            Inner::RabbitMq(consumer) => Some(Delivery::new(consumer.next().await?, Loan::RabbitMq)),
        }
    }

    /// No new deliveries; what was prefetched goes back to the lane. Deliveries in hand can still be settled.
    pub async fn stop(&mut self) {
        match &mut self.0 {
            Inner::Memory(consumer) => consumer.stop(),
            Inner::RabbitMq(consumer) => consumer.stop().await,
        }
    }
}
