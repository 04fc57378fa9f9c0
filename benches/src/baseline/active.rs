//! Who is active: a bit a node, and all of them in a queue.

/// The nodes of one simulation. A node's turn comes in the order in which it became active.
#[derive(Debug)]
pub(super) struct Active {
    bits: Vec<u64>,
    /// One place more than there are nodes: [`Active::activate`] always writes.
    queue: Vec<u32>,
    n_active: usize,
}

impl Active {
    /// No node of `n_nodes`.
    pub(super) fn new(n_nodes: usize) -> Self {
        Self { bits: vec![0; n_nodes.div_ceil(64)], queue: vec![0; n_nodes + 1], n_active: 0 }
    }

    /// How many there are.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.n_active
    }

    /// The node at `position` of the queue, which may lie behind its end: then any node.
    #[inline(always)]
    pub(super) fn node(&self, position: usize) -> usize {
        self.queue[position.min(self.queue.len() - 1)] as usize
    }

    /// Whether `node` is among them.
    #[inline(always)]
    pub(super) fn contains(&self, node: u32) -> bool {
        self.bits[node as usize / 64] >> (node % 64) & 1 == 1
    }

    /// Adds `node` unless it is there.
    #[inline(always)]
    pub(super) fn activate(&mut self, node: u32) {
        self.activate_if(true, node);
    }

    /// Adds `node` where `condition` holds and unless it is there. Without a branch: neither can
    /// be foreseen.
    #[inline(always)]
    pub(super) fn activate_if(&mut self, condition: bool, node: u32) {
        let word = &mut self.bits[node as usize / 64];
        let is_new = u64::from(condition) & !(*word >> (node % 64));
        *word |= is_new << (node % 64);
        self.queue[self.n_active] = node;
        self.n_active += is_new as usize;
    }

    /// Removes all; gives how many there were.
    pub(super) fn clear(&mut self) -> u64 {
        let n_active = std::mem::take(&mut self.n_active);
        if n_active > self.bits.len() / 8 {
            self.bits.fill(0);
        } else {
            let nodes = &self.queue[..n_active];
            nodes.iter().for_each(|&node| self.bits[node as usize / 64] = 0);
        }
        n_active as u64
    }
}
