//! What happens at known times, apart from steps of replicas and arrivals: in order of time, then of scheduling.

use crate::time::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A request is sent: the next turn of someone, or again after a failure.
    Send { id: u32, is_new: bool },
    /// The cache of a request has reached the replica that generates.
    Transferred { id: u32, replica: u32, epoch: u32 },
    /// A part breaks, or is mended.
    Breaks { outage: u32 },
    /// It is mended.
    Mended { outage: u32 },
    /// The router looks at the replicas.
    Signals,
    /// The number of replicas is looked at.
    Scale,
    /// A new replica serves.
    Started { replica: u32 },
    /// The fleet is looked at.
    Sample,
}

#[derive(Debug, Default)]
pub(crate) struct Events {
    heap: BinaryHeap<Reverse<(Time, u64, Event)>>,
    scheduled: u64,
    /// Sends and transfers among them, which keep the play going.
    pub(crate) pending: usize,
}

impl Event {
    fn keeps_going(self) -> bool {
        matches!(self, Self::Send { .. } | Self::Transferred { .. })
    }
}

impl Events {
    pub(crate) fn at(&mut self, time: Time, event: Event) {
        self.scheduled += 1;
        self.pending += usize::from(event.keeps_going());
        self.heap.push(Reverse((time, self.scheduled, event)));
    }

    pub(crate) fn next_time(&self) -> Time {
        self.heap.peek().map_or(Time::NEVER, |Reverse((time, ..))| *time)
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        let Reverse((_, _, event)) = self.heap.pop()?;
        self.pending -= usize::from(event.keeps_going());
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_equal_times_keep_the_order_of_scheduling() {
        let mut events = Events::default();
        let at = Time::from_seconds(1.0);
        events.at(at, Event::Sample);
        events.at(at, Event::Send { id: 3, is_new: true });
        events.at(Time::ZERO, Event::Scale);
        assert_eq!((events.next_time(), events.pending), (Time::ZERO, 1));
        let order: Vec<Event> = std::iter::from_fn(|| events.pop()).collect();
        assert_eq!(order, [Event::Scale, Event::Sample, Event::Send { id: 3, is_new: true }]);
        assert_eq!(events.pending, 0);
    }
}
