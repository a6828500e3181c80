// SPDX-License-Identifier: Apache-2.0
//! Names for what a plugin keeps for the host: endpoints, sources, subscriptions.

use crate::values::Token;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

struct Slot<T> {
    generation: u64, // never 0, so that {0, 0} names nothing
    value: Option<Arc<T>>,
}

/// Values by token, for any number of threads. A token that was removed names nothing any more, even when its place is
/// used again; who still works with its value keeps it.
pub struct TokenTable<T> {
    slots: Mutex<Vec<Slot<T>>>,
}

impl<T> Default for TokenTable<T> {
    fn default() -> Self {
        TokenTable { slots: Mutex::new(Vec::new()) }
    }
}

impl<T> TokenTable<T> {
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, value: T) -> Token {
        let mut slots = self.lock();
        let index = slots.iter().position(|slot| slot.value.is_none()).unwrap_or_else(|| {
            slots.push(Slot { generation: 0, value: None });
            slots.len() - 1
        });
        slots[index].generation += 1;
        slots[index].value = Some(Arc::new(value));
        Token { index: index as u64, generation: slots[index].generation }
    }

    pub fn get(&self, token: Token) -> Option<Arc<T>> {
        self.at(token.index).filter(|(found, _)| *found == token).map(|(_, value)| value)
    }

    /// What is at an index now, for example of a timer that bears it as its number.
    pub fn at(&self, index: u64) -> Option<(Token, Arc<T>)> {
        let slots = self.lock();
        let slot = slots.get(usize::try_from(index).ok()?)?;
        Some((Token { index, generation: slot.generation }, slot.value.clone()?))
    }

    pub fn remove(&self, token: Token) -> Option<Arc<T>> {
        let mut slots = self.lock();
        let slot = slots.get_mut(usize::try_from(token.index).ok()?)?;
        if slot.generation == token.generation {
            slot.value.take()
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, TokenTable};

    #[test]
    fn a_removed_token_names_nothing_when_its_place_is_used_again() {
        let table = TokenTable::new();
        let first = table.add("a");
        assert_eq!(*table.get(first).unwrap(), "a");
        assert!(table.remove(first).is_some());
        let second = table.add("b");
        assert_eq!(second.index, first.index);
        assert!(table.get(first).is_none() && table.remove(first).is_none());
        assert_eq!(*table.get(second).unwrap(), "b");
        assert!(table.get(Token::default()).is_none());
        assert!(table.get(Token { index: u64::MAX, generation: 1 }).is_none());
    }
}
