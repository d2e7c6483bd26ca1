//! The line of those who wait.

use std::collections::{HashMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use super::cost::Cost;
use super::operation::{Ahead, QuotaRequest};
use super::priority::Priority;

/// How to stand in line: see [`Quota::enter_with`](super::Quota::enter_with).
///
/// ```
/// use resayil_core::quota::{EnterOptions, Priority};
///
/// let options = EnterOptions::default().with_priority(Priority::High).with_tenant("acme", 3);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EnterOptions {
    priority: Priority,
    /// A hash of the name, 0 for the nameless one, and the weight.
    tenant: u64,
    weight: u32,
    place: Option<Place>,
    cost: Cost,
}

impl EnterOptions {
    /// The same with this priority. Default: normal.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The same on behalf of this tenant. While several tenants wait, each is admitted in proportion
    /// to its weight: 1 to 1000, other weights are moved to the nearest end. Default: one nameless
    /// tenant of weight 1.
    #[must_use]
    pub fn with_tenant(mut self, name: &str, weight: u32) -> Self {
        // FNV-1a. Two tenants of one hash share their place, which does no harm.
        let hash = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.tenant = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash) | 1;
        self.weight = weight;
        self
    }

    /// The same for a request that takes this of the quota. Default: one request of unknown tokens.
    #[must_use]
    pub fn with_cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// What the request takes of the quota.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// The same at a place that was taken before, by a request that has to be sent again: see
    /// [`Ticket::place`](super::Ticket::place). It outweighs the other options.
    #[must_use]
    pub fn with_place(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }
}

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The order: the turn, later by the handicap of the priority.
    key: u64,
    number: u64,
    /// When its turn is, in the virtual time of fair queueing.
    turn: u64,
}

/// What one request of a tenant of weight 1 takes of virtual time.
const UNIT: u64 = 1 << 20;

/// Somebody who stands in the line.
pub(super) struct Waiter {
    place: Place,
    cost: Cost,
    /// Until then those behind it do not delay it.
    aside_until: Duration,
    /// When it will ask again by itself.
    pub(super) asks_at: Duration,
    /// By what to have it ask earlier.
    pub(super) waker: Option<Waker>,
}

/// Waiters in order: by the virtual time of weighted fair queueing, in which each tenant's requests
/// follow each other by one unit divided by its weight.
#[derive(Default)]
pub(super) struct Line {
    waiters: VecDeque<Waiter>,
    /// How many of them told what they cost, and how many were ever set aside.
    costly: usize,
    aside: usize,
    entered: u64,
    /// The turn of the last that was served.
    virtual_now: u64,
    /// The last turn of the nameless tenant, and of those with a name.
    last: u64,
    tenants: HashMap<u64, u64>,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// The place of a request that is admitted at once, because nobody waits. It takes no turn: the
    /// next one stands behind it by its number.
    #[inline]
    pub(super) fn pass_by(&mut self, options: &EnterOptions) -> Place {
        if let Some(place) = options.place {
            return place;
        }
        self.entered += 1;
        let turn = self.last.max(self.virtual_now) + UNIT;
        let key = turn + Priority::Normal.handicap() * UNIT;
        Place { key, number: self.entered, turn }
    }

    /// The place that a request would take, were the line entered now.
    pub(super) fn place(&mut self, options: &EnterOptions) -> Place {
        if let Some(place) = options.place {
            return place;
        }
        self.entered += 1;
        let turn = if options.tenant == 0 {
            self.last = self.last.max(self.virtual_now) + UNIT;
            self.last
        } else {
            let cost = UNIT / u64::from(options.weight.clamp(1, 1000));
            let known = self.tenants.get(&options.tenant).copied().unwrap_or_default();
            let turn = known.max(self.virtual_now) + cost;
            self.tenants.insert(options.tenant, turn);
            turn
        };
        Place { key: turn + options.priority.handicap() * UNIT, number: self.entered, turn }
    }

    pub(super) fn join(&mut self, place: Place, cost: Cost) {
        let index = match self.waiters.back() {
            Some(last) if last.place > place => self.ahead(place),
            _ => self.waiters.len(),
        };
        self.costly += usize::from(cost != Cost::default());
        let (aside_until, asks_at) = (Duration::ZERO, Duration::MAX);
        self.waiters.insert(index, Waiter { place, cost, aside_until, asks_at, waker: None });
    }

    /// How many stand in front.
    pub(super) fn ahead(&self, place: Place) -> usize {
        match self.waiters.front() {
            Some(first) if first.place >= place => 0,
            _ => self.waiters.partition_point(|known| known.place < place),
        }
    }

    /// Gives back what it left to be woken by: to be dropped when nothing is locked, because that
    /// may drop whatever it woke.
    pub(super) fn leave(&mut self, place: Place) -> Option<Waker> {
        let index = self.ahead(place);
        if self.waiters.get(index).is_none_or(|waiter| waiter.place != place) {
            return None;
        }
        let waiter = self.waiters.remove(index)?;
        self.costly -= usize::from(waiter.cost != Cost::default());
        self.aside -= usize::from(waiter.aside_until > Duration::ZERO);
        waiter.waker
    }

    /// Lets those behind pass for this time, as far as that does not delay it. Says whether they may.
    pub(super) fn set_aside(&mut self, index: usize, aside: Duration, now: Duration) -> bool {
        let is_full = self.aside >= MOST_ASIDE;
        let Some(waiter) = self.waiters.get_mut(index).filter(|_| !aside.is_zero()) else {
            return false;
        };
        if waiter.aside_until.is_zero() {
            if is_full {
                return false;
            }
            self.aside += 1;
        }
        waiter.aside_until = now.saturating_add(aside);
        true
    }

    /// What the one asks for who has so many in front.
    pub(super) fn request(&self, index: usize, now: Duration) -> QuotaRequest {
        let cost = self.waiters.get(index).map(|waiter| waiter.cost).unwrap_or_default();
        let waiting = u32::try_from(self.waiters.len()).unwrap_or(u32::MAX);
        QuotaRequest { cost, ahead: self.in_front(index, now), waiting }
    }

    /// What those want who are in front. Of a long line the rest is taken to be like its beginning.
    fn in_front(&self, index: usize, now: Duration) -> Ahead {
        if self.costly == 0 && self.aside == 0 {
            return Ahead::plain(index);
        }
        let mut ahead = Ahead::default();
        let near = self.waiters.iter().take(index.min(FAR));
        near.filter(|waiter| waiter.aside_until <= now).for_each(|it| ahead.add(&it.cost));
        if index > FAR { ahead.scaled_to(index) } else { ahead }
    }

    /// The one who has so many in front of it.
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Waiter> {
        self.waiters.get_mut(index)
    }

    /// The first from `index` on that can be woken, and how many are in front of it.
    pub(super) fn first_with_waker(&mut self, index: usize) -> Option<(usize, &mut Waiter)> {
        let mut rest = self.waiters.iter_mut().enumerate().skip(index);
        rest.find(|(_, waiter)| waiter.waker.is_some())
    }

    /// A place was served.
    pub(super) fn served(&mut self, place: Place) {
        self.virtual_now = self.virtual_now.max(place.turn);
        if self.tenants.is_empty() {
            return;
        }
        if self.waiters.is_empty() {
            // Nobody is owed anything.
            self.tenants.clear();
        } else if self.tenants.len() > MANY_TENANTS {
            self.tenants.retain(|_, turn| *turn > self.virtual_now);
        }
    }
}

/// So many in front are looked at one by one.
const FAR: usize = 256;

/// So many at the most are passed at a time.
const MOST_ASIDE: usize = 16;

/// From so many tenants on those are forgotten whose last request was served.
const MANY_TENANTS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(line: &mut Line, options: &EnterOptions) -> Place {
        let place = line.place(options);
        line.join(place, options.cost);
        place
    }

    fn serve(line: &mut Line) -> Option<Place> {
        let place = line.waiters.front()?.place;
        line.leave(place);
        line.served(place);
        Some(place)
    }

    #[test]
    fn first_come_first_served() {
        let mut line = Line::default();
        let places: Vec<_> = (0..5).map(|_| enter(&mut line, &EnterOptions::default())).collect();
        line.leave(places[1]);
        assert_eq!(line.ahead(places[2]), 1);
        let order: Vec<_> = std::iter::from_fn(|| serve(&mut line)).collect();
        assert_eq!(order, [places[0], places[2], places[3], places[4]]);
    }

    #[test]
    fn the_urgent_pass_but_not_for_ever() {
        let mut line = Line::default();
        let low = EnterOptions::default().with_priority(Priority::Low);
        let patient = enter(&mut line, &low);
        let mut served = 0;
        loop {
            enter(&mut line, &EnterOptions::default());
            served += 1;
            if serve(&mut line) == Some(patient) {
                break;
            }
        }
        assert!((2..=Priority::REACH + 1).contains(&served), "{served}");
    }

    #[test]
    fn tenants_share_by_weight() {
        let mut line = Line::default();
        let (many, heavy) = (
            EnterOptions::default().with_tenant("many", 1),
            EnterOptions::default().with_tenant("heavy", 3),
        );
        let first: Vec<_> = (0..100).map(|_| enter(&mut line, &many)).collect();
        let second: Vec<_> = (0..100).map(|_| enter(&mut line, &heavy)).collect();
        let order: Vec<_> = (0..40).filter_map(|_| serve(&mut line)).collect();
        let count = |of: &[Place]| order.iter().filter(|place| of.contains(place)).count();
        assert_eq!((count(&first), count(&second)), (10, 30));
    }

    #[test]
    fn a_place_can_be_taken_again() {
        let mut line = Line::default();
        let first = enter(&mut line, &EnterOptions::default());
        let second = enter(&mut line, &EnterOptions::default());
        assert_eq!(serve(&mut line), Some(first));
        let again = enter(&mut line, &EnterOptions::default().with_place(first));
        assert_eq!((again, line.ahead(second)), (first, 1));
    }
}
