//! The record: a tree of what a type asked for, place by place.

mod print;

use super::ask::{Ask, Kind};

/// More places than this are not recorded: nobody writes such a type by hand.
const MAX_NODES: usize = 20_000;

/// A place in the tree.
pub(super) type NodeId = usize;

/// Where a child stands in its parent: under which choice, and as which part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Label {
    pub(super) choice: usize,
    pub(super) part: usize,
}

/// What is known of one choice of a node.
#[derive(Clone, Copy, Default)]
struct Chosen {
    finished: bool,
    succeeded: bool,
}

struct Node {
    parent: Option<NodeId>,
    depth: usize,
    ask: Option<Ask>,
    children: Vec<(Label, NodeId)>,
    choices: Vec<Chosen>,
    settled: Option<usize>,
    /// No value was found for it, whatever was tried.
    is_stuck: bool,
    /// Its visitor wants names with the fields.
    by_name: bool,
    failures: usize,
}

/// The record of one type.
pub(super) struct Shape {
    nodes: Vec<Node>,
    pub(super) has_gaps: bool,
}

impl Shape {
    pub(super) const ROOT: NodeId = 0;

    pub(super) fn new() -> Self {
        let mut shape = Self {
            nodes: Vec::new(),
            has_gaps: false,
        };
        shape.add(None, 0);
        shape
    }

    fn add(&mut self, parent: Option<NodeId>, depth: usize) -> NodeId {
        self.nodes.push(Node {
            parent,
            depth,
            ask: None,
            children: Vec::new(),
            choices: Vec::new(),
            settled: None,
            is_stuck: false,
            by_name: false,
            failures: 0,
        });
        self.nodes.len() - 1
    }

    /// The child at `label`, if it was ever asked for.
    pub(super) fn existing(&self, node: NodeId, label: Label) -> Option<NodeId> {
        self.nodes[node]
            .children
            .iter()
            .find(|(at, _)| *at == label)
            .map(|(_, child)| *child)
    }

    /// The child at `label`; `None` once the record is full.
    pub(super) fn child(&mut self, node: NodeId, label: Label) -> Option<NodeId> {
        if let Some(child) = self.existing(node, label) {
            return Some(child);
        }
        if self.nodes.len() >= MAX_NODES {
            self.has_gaps = true;
            return None;
        }
        let child = self.add(Some(node), self.nodes[node].depth + 1);
        self.nodes[node].children.push((label, child));
        Some(child)
    }

    /// Writes down a question. `false` if the place was asked another one before.
    pub(super) fn ask(&mut self, node: NodeId, ask: Ask, choices: usize) -> bool {
        let node = &mut self.nodes[node];
        if let Some(before) = node.ask {
            return before == ask;
        }
        node.ask = Some(ask);
        node.choices = vec![Chosen::default(); choices];
        true
    }

    /// Writes down that the type at `ancestor` begins again at `node`.
    pub(super) fn refer_back(&mut self, node: NodeId, ancestor: NodeId) {
        let levels = self.nodes[node].depth - self.nodes[ancestor].depth;
        self.nodes[node].ask.get_or_insert(Ask {
            len: levels,
            ..Ask::new(Kind::Back)
        });
    }

    /// The node itself, or the one it refers back to.
    pub(super) fn referred(&self, node: NodeId) -> NodeId {
        let back = self.nodes[node].ask.filter(|ask| ask.kind == Kind::Back);
        let levels = back.map_or(0, |ask| ask.len);
        (0..levels).fold(node, |at, _| self.nodes[at].parent.unwrap_or(Self::ROOT))
    }

    pub(super) fn asked(&self, node: NodeId) -> Option<Ask> {
        self.nodes[node].ask
    }

    pub(super) fn settled(&self, node: NodeId) -> Option<usize> {
        self.nodes[node].settled
    }

    pub(super) fn is_stuck(&self, node: NodeId) -> bool {
        self.nodes[node].is_stuck
    }

    pub(super) fn mark_stuck(&mut self, node: NodeId) {
        self.nodes[node].is_stuck = true;
    }

    pub(super) fn is_by_name(&self, node: NodeId) -> bool {
        self.nodes[node].by_name
    }

    pub(super) fn parent(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[node].parent
    }

    /// Counts one more drive that ended here.
    pub(super) fn count_failure(&mut self, node: NodeId) -> usize {
        self.nodes[node].failures += 1;
        self.nodes[node].failures
    }

    /// Gives this struct its fields by name from now on, if that is new.
    pub(super) fn name_fields(&mut self, node: NodeId) -> bool {
        let node = &mut self.nodes[node];
        let has_names = node
            .ask
            .is_some_and(|ask| matches!(ask.kind, Kind::Struct | Kind::StructVariant));
        has_names && !std::mem::replace(&mut node.by_name, true)
    }

    pub(super) fn has_children(&self, node: NodeId) -> bool {
        !self.nodes[node].children.is_empty()
    }

    pub(super) fn has_stuck_child(&self, node: NodeId) -> bool {
        self.nodes[node]
            .children
            .iter()
            .any(|(_, child)| self.is_stuck(*child))
    }

    /// Whether `ancestor` is `node` or above it.
    pub(super) fn encloses(&self, ancestor: NodeId, node: NodeId) -> bool {
        let mut at = Some(node);
        while let Some(here) = at {
            if here == ancestor {
                return true;
            }
            at = self.nodes[here].parent;
        }
        false
    }

    /// This choice needs no further visit. Says whether that is news.
    pub(super) fn finish(&mut self, node: NodeId, choice: usize) -> bool {
        let Some(chosen) = self.nodes[node].choices.get_mut(choice) else {
            return false;
        };
        !std::mem::replace(&mut chosen.finished, true)
    }

    /// A drive with this choice went through. Says whether that is news.
    pub(super) fn succeed(&mut self, node: NodeId, choice: usize) -> bool {
        let node = &mut self.nodes[node];
        let news = node.settled.is_none();
        node.settled.get_or_insert(choice);
        let Some(chosen) = node.choices.get_mut(choice) else {
            return news;
        };
        news | !std::mem::replace(
            chosen,
            Chosen {
                finished: true,
                succeeded: true,
            },
        )
        .succeeded
    }

    /// The choices of a node in the order in which to try them: unseen ones, what went well, all.
    pub(super) fn order(&self, node: NodeId) -> Vec<usize> {
        let here = &self.nodes[node];
        if here.is_stuck {
            return vec![here.settled.unwrap_or(0)];
        }
        let all = 0..here.choices.len();
        let mut order: Vec<usize> = all
            .clone()
            .filter(|choice| self.is_choice_pending(node, *choice))
            .collect();
        for choice in here.settled.into_iter().chain(all) {
            if !order.contains(&choice) {
                order.push(choice);
            }
        }
        order
    }

    /// Whether something below `node` is still to be seen.
    pub(super) fn is_pending(&self, node: NodeId) -> bool {
        (0..self.nodes[node].choices.len()).any(|choice| self.is_choice_pending(node, choice))
    }

    fn is_choice_pending(&self, node: NodeId, choice: usize) -> bool {
        let here = &self.nodes[node];
        let wanted = here.ask.is_some_and(|ask| choice < ask.wanted());
        match here.choices.get(choice) {
            Some(chosen) if !chosen.finished && wanted => true,
            Some(chosen) if chosen.succeeded => here
                .children
                .iter()
                .any(|(label, child)| label.choice == choice && self.is_pending(*child)),
            _ => false,
        }
    }
}
