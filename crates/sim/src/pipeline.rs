//! Pipeline stages: as many batches follow each other through them, each of its own sequences.
//!
//! A batch that has left the last stage is put together anew at once, from its own sequences and from those that wait,
//! and enters the first stage when that is free. Batches share queue and cache.

use crate::Engine;
use crate::StepTimes;
use crate::queue::Queue;
use crate::rank::{Rank, World};
use crate::replica::{Around, Replica, Running};
use crate::time::Time;

/// Batches in flight. Batch by batch, they are the ranks of their replica.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// When each stage is free.
    free: Vec<Time>,
    running: Vec<Option<Running>>,
    /// Requests that wait for any of the batches.
    pub(crate) waiting: Queue,
}

impl Pipeline {
    /// For an engine of several stages.
    pub(crate) fn of(engine: &Engine) -> Option<Self> {
        let stages = engine.stages as usize;
        (stages > 1).then(|| Self {
            free: vec![Time::ZERO; stages],
            running: vec![None; stages],
            waiting: Queue::default(),
        })
    }

    /// When a batch ends, or an idle one gets a request or the cache of one.
    pub(crate) fn next_event(&self, seen: Option<Time>, batches: &[Rank]) -> Time {
        let of_batch = |(running, batch): (&Option<Running>, &Rank)| match running {
            Some(running) => Some(running.end),
            None => seen.into_iter().chain(batch.next_loaded()).min(),
        };
        self.running.iter().zip(batches).filter_map(of_batch).min().unwrap_or(Time::NEVER)
    }

    /// Sends a batch through all stages; returns when it leaves the last. A stage is busy until the next one has what it
    /// made.
    fn enter(&mut self, now: Time, stage: f64, sending: f64) -> Time {
        let last = self.free.len() - 1;
        let mut at = now;
        for (number, free) in self.free.iter_mut().enumerate() {
            let time = if number < last { stage + sending } else { stage };
            at = at.max(*free) + Time::from_seconds(time);
            *free = at;
        }
        at
    }
}

impl Replica {
    /// Batches that have left the last stage end.
    pub(crate) fn finish_batches(&mut self, around: &mut Around) {
        let Some(pipeline) = &mut self.pipeline else { return };
        let ended: Vec<(usize, Running)> = pipeline
            .running
            .iter_mut()
            .enumerate()
            .filter_map(|(batch, running)| {
                let ended = running.filter(|running| running.end <= around.now)?;
                *running = None;
                Some((batch, ended))
            })
            .collect();
        for (batch, running) in ended {
            self.record(&running, &self.ranks[batch..=batch], around.recorder);
            self.ranks[batch].finish(&mut world(&self.engine, around), 1);
        }
    }

    /// Batches that are not in flight are put together anew.
    pub(crate) fn wake_batches(&mut self, times: &impl StepTimes, around: &mut Around) {
        let Some(mut pipeline) = self.pipeline.take() else { return };
        while let Some(&(_, id)) = self.incoming.front().filter(|next| next.0 <= around.now) {
            self.incoming.pop_front();
            pipeline.waiting.push_back(id, &around.requests[id]);
        }
        let idle = (0..self.ranks.len()).filter(|batch| pipeline.running[*batch].is_none());
        for batch in idle.collect::<Vec<_>>() {
            let held: f64 = self.ranks.iter().map(|rank| rank.cache.held()).sum();
            let rank = &mut self.ranks[batch];
            rank.cache.leave_to_others(held - rank.cache.held());
            std::mem::swap(&mut rank.queue, &mut pipeline.waiting);
            rank.schedule(&mut world(&self.engine, around), false);
            std::mem::swap(&mut rank.queue, &mut pipeline.waiting);
            if rank.is_busy() {
                let step = rank.step(0.0, None);
                let end = pipeline.enter(around.now, times.time(&step), times.sending(&step));
                let has_prompts = !rank.prompts.is_empty();
                pipeline.running[batch] = Some(Running { began: around.now, steps: 1, end, has_prompts });
            }
        }
        self.pipeline = Some(pipeline);
    }
}

fn world<'a>(engine: &'a Engine, around: &'a mut Around) -> World<'a> {
    World { engine, requests: around.requests, now: around.now, shared: around.shared, ended: around.ended }
}

/// Batches of an engine of several stages: each has its part of the places.
pub(crate) fn of_a_batch(engine: &Engine) -> Engine {
    let stages = engine.stages.max(1);
    if stages == 1 {
        return *engine;
    }
    Engine { ranks: stages, max_sequences: (engine.max_sequences / stages).max(1), ..*engine }
}

/// Requests that wait or run in batches.
pub(crate) fn queued(pipeline: Option<&Pipeline>, ranks: &[Rank]) -> usize {
    ranks.iter().map(|rank| rank.queue.len()).sum::<usize>() + pipeline.map_or(0, |p| p.waiting.len())
}
