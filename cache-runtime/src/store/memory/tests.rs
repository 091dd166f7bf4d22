//! What only the embedded store can get wrong: it evicts, and it keeps claims beside entries.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(key: &Arc<str>) -> Keyed<'_> {
    Keyed { key, tags: &[] }
}

fn key(number: usize) -> Arc<str> {
    Arc::from(format!("key:{number}"))
}

/// Old at once, so that a lease beside it shows.
fn put(memory: &Memory, key: &Arc<str>) {
    let stamp = Stamp {
        age: Age::default(),
        is_aged: true,
        generations: &[],
    };
    let entry = MemoryEntry::new(Kind::Value, Arc::new(1_u32), 0, 4, &stamp);
    memory.put(key, entry, 60 * SECOND);
}

fn lease_beside(memory: &Memory, key: &Arc<str>) -> Token {
    put(memory, key);
    let (read, token) = (memory.read(at(key)).reading, Token::random());
    let leasing = memory.lease(at(key), token, Take::Keeping(&read), SECOND);
    assert!(matches!(leasing, Leasing::Taken { kept: Some(_), .. }));
    token
}

#[test]
fn a_lease_outlives_the_entry_beside_it() {
    for leave in [Leave::Kept, Leave::Cooling(SECOND)] {
        let memory = Memory::new(1 << 16, Clock::manual());
        let token = lease_beside(&memory, &key(0));
        // As an eviction does.
        memory.entries.remove(&key(0));
        let reading = memory.read(at(&key(0))).reading;
        assert!(matches!(reading, Reading::Leased(Held { kept: None, .. })));
        assert!(memory.release(at(&key(0)), token, &[], leave));
        assert!(matches!(memory.read(at(&key(0))).reading, Reading::Nothing));
    }
}

#[test]
fn what_has_cooled_down_and_fences_that_are_over_do_not_pile_up() {
    let clock = Clock::manual();
    let memory = Memory::new(1 << 16, clock.clone());
    for number in 0..10_000 {
        let key = key(number);
        if number % 2 == 0 {
            let token = lease_beside(&memory, &key);
            memory.release(at(&key), token, &[], Leave::Cooling(SECOND));
        } else {
            memory.fence(&[key], Token::random(), SECOND);
        }
        clock.advance(2 * SECOND);
    }
    let claims: usize = memory.claims.iter().map(|shard| shard.lock().len()).sum();
    assert!(claims <= 64 * SHARDS, "{claims}");
}
