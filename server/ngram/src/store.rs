//! Token texts with an index: for a few orders k, every place that follows a context of k tokens, newest first.
//!
//! Tokens lie in small pages. A text is a list of pages, so a line can be removed or inserted anywhere. Each place is in one
//! doubly linked chain per order; a table of buckets holds the heads. Learning and unlearning a token take constant time, and
//! unlearning is exact. Chains mix contexts of equal hash, so a reader compares the tokens. The meaning of the numbers, and
//! the text of each page, is left to the caller.

/// Slots of a block, the unit of allocation.
const BLOCK: usize = 1024;
const NIL: u32 = 0;
/// Tokens of context compared at most.
pub(crate) const LONGEST_MATCH: usize = 24;
/// The token of a word that the vocabulary does not know. No text contains it.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// The position of a token in a store; zero is nowhere.
pub(crate) type Place = u32;

/// A token's number without its space bit. Contexts are compared by these numbers.
pub(crate) fn base(token: u32) -> u32 {
    token >> 1
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    next: Place,
    prev: Place,
}

#[derive(Debug)]
struct Block<const N: usize> {
    tokens: [u32; BLOCK],
    links: [[Link; N]; BLOCK],
}

#[derive(Clone, Copy, Debug, Default)]
struct Page {
    prev: u32,
    next: u32,
    owner: u32,
    used: u32,
}

/// Texts as tokens, in pages of `1 << P` tokens, with chains for `N` orders.
#[derive(Debug)]
pub(crate) struct Store<const N: usize, const P: u32> {
    orders: [usize; N],
    buckets: Vec<Place>,
    blocks: Vec<Box<Block<N>>>,
    pages: Vec<Page>,
    free: Vec<u32>,
    tokens: usize,
}

impl<const N: usize, const P: u32> Store<N, P> {
    /// An empty store for about `expected` tokens. `orders` must rise.
    pub(crate) fn new(orders: [usize; N], expected: usize) -> Self {
        let buckets = vec![NIL; Self::buckets_for(expected) * N];
        let pages = vec![Page::default()];
        Store { orders, buckets, blocks: Vec::new(), pages, free: Vec::new(), tokens: 0 }
    }

    fn buckets_for(tokens: usize) -> usize {
        (tokens / 2).next_power_of_two().max(256)
    }

    /// Bytes of one token, its links and its share of a page, without the buckets.
    pub(crate) const fn bytes_per_token() -> usize {
        size_of::<Block<N>>() / BLOCK + (size_of::<Page>() >> P)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() * (size_of::<Block<N>>() + size_of::<usize>())
            + (self.buckets.len() + self.free.len()) * size_of::<u32>()
            + self.pages.len() * size_of::<Page>()
    }

    /// Pages available without another block.
    pub(crate) fn free_pages(&self) -> usize {
        let ahead = ((self.blocks.len() * BLOCK) >> P).saturating_sub(self.pages.len());
        self.free.len() + ahead
    }

    /// Tokens learned.
    pub(crate) fn len(&self) -> usize {
        self.tokens
    }

    /// The orders with an index.
    pub(crate) fn orders(&self) -> &[usize; N] {
        &self.orders
    }

    /// Adds a page between `prev` and `next`; 0 stands for an end of the text.
    pub(crate) fn add_page(&mut self, prev: u32, next: u32, owner: u32) -> u32 {
        let fresh = Page { prev, next, owner, used: 0 };
        let page = match self.free.pop() {
            Some(page) => {
                if let Some(old) = self.pages.get_mut(page as usize) {
                    *old = fresh;
                }
                page
            }
            None => {
                self.pages.push(fresh);
                self.pages.len() as u32 - 1
            }
        };
        if ((page as usize) << P) / BLOCK >= self.blocks.len() {
            self.blocks.push(Box::new(Block { tokens: [0; BLOCK], links: [[Link::default(); N]; BLOCK] }));
        }
        self.tie(prev, page);
        self.tie(page, next);
        page
    }

    fn tie(&mut self, left: u32, right: u32) {
        if let Some(page) = self.pages.get_mut(left as usize).filter(|_| left != NIL) {
            page.next = right;
        }
        if let Some(page) = self.pages.get_mut(right as usize).filter(|_| right != NIL) {
            page.prev = left;
        }
    }

    /// Frees a page and joins its neighbours. It does not unlink the page's tokens.
    pub(crate) fn free_page(&mut self, page: u32) {
        let Page { prev, next, used, .. } = self.page(page);
        self.tie(prev, next);
        self.tokens -= used as usize;
        if let Some(old) = self.pages.get_mut(page as usize) {
            *old = Page::default();
        }
        self.free.push(page);
    }

    fn page(&self, page: u32) -> Page {
        self.pages.get(page as usize).copied().unwrap_or_default()
    }

    /// The page that follows in the same text; 0 at its end.
    pub(crate) fn next_page(&self, page: u32) -> u32 {
        self.page(page).next
    }

    /// The page before in the same text; 0 at its start.
    pub(crate) fn previous_page(&self, page: u32) -> u32 {
        self.page(page).prev
    }

    /// The owner of the place's page.
    pub(crate) fn owner(&self, place: Place) -> u32 {
        self.page(place >> P).owner
    }

    /// Tokens of a page.
    pub(crate) fn used(&self, page: u32) -> u32 {
        self.page(page).used
    }

    /// The places of a page.
    pub(crate) fn places(&self, page: u32) -> std::ops::Range<Place> {
        page << P..(page << P) + self.page(page).used
    }

    /// Appends a token to the text whose last page is `page`, without linking it. Returns the token's page and place.
    pub(crate) fn push(&mut self, page: u32, token: u32) -> (u32, Place) {
        let Page { owner, used, next, .. } = self.page(page);
        let page = if used == 1 << P { self.add_page(page, next, owner) } else { page };
        let used = if used == 1 << P { 0 } else { used };
        let place = (page << P) + used;
        if let Some(page) = self.pages.get_mut(page as usize) {
            page.used += 1;
        }
        self.tokens += 1;
        self.set_token(place, token);
        (page, place)
    }

    /// The token at a place.
    pub(crate) fn token(&self, place: Place) -> u32 {
        let block = self.blocks.get(place as usize / BLOCK);
        block.and_then(|block| block.tokens.get(place as usize % BLOCK)).copied().unwrap_or(0)
    }

    /// Replaces the token at a place that is not linked.
    pub(crate) fn set_token(&mut self, place: Place, token: u32) {
        let block = self.blocks.get_mut(place as usize / BLOCK);
        if let Some(at) = block.and_then(|block| block.tokens.get_mut(place as usize % BLOCK)) {
            *at = token;
        }
    }

    /// The place before this one in the same text; nowhere at its start.
    pub(crate) fn before(&self, place: Place) -> Place {
        if place & ((1 << P) - 1) > 0 {
            return place - 1;
        }
        let page = self.page(place >> P).prev;
        if page == NIL { NIL } else { (page << P) + self.page(page).used.saturating_sub(1) }
    }

    /// The place after this one in the same text; nowhere at its end.
    pub(crate) fn after(&self, place: Place) -> Place {
        let Page { next, used, .. } = self.page(place >> P);
        if (place & ((1 << P) - 1)) + 1 < used { place + 1 } else { next << P }
    }

    /// Puts the place into the chains of the contexts before it.
    pub(crate) fn link(&mut self, place: Place) {
        for (order, bucket) in self.contexts(place).into_iter().enumerate() {
            let Some(head) = bucket.and_then(|bucket| self.buckets.get_mut(bucket)) else { continue };
            let next = std::mem::replace(head, place);
            if let Some(link) = self.link_mut(place, order) {
                *link = Link { next, prev: NIL };
            }
            if next != NIL
                && let Some(link) = self.link_mut(next, order)
            {
                link.prev = place;
            }
        }
    }

    /// Takes the place out of its chains; the tokens before it must be as they were when it was linked.
    pub(crate) fn unlink(&mut self, place: Place) {
        for (order, bucket) in self.contexts(place).into_iter().enumerate() {
            let Some(bucket) = bucket else { continue };
            let Some(Link { next, prev }) = self.link_mut(place, order).map(std::mem::take) else { continue };
            if prev != NIL {
                if let Some(link) = self.link_mut(prev, order) {
                    link.next = next;
                }
            } else if let Some(head) = self.buckets.get_mut(bucket) {
                *head = next;
            }
            if next != NIL
                && let Some(link) = self.link_mut(next, order)
            {
                link.prev = prev;
            }
        }
    }

    fn link_mut(&mut self, place: Place, order: usize) -> Option<&mut Link> {
        self.blocks.get_mut(place as usize / BLOCK)?.links.get_mut(place as usize % BLOCK)?.get_mut(order)
    }

    /// Whether there are far more tokens than the buckets were made for, so that chains get long.
    pub(crate) fn crowded(&self) -> bool {
        Self::buckets_for(self.tokens) * N > self.buckets.len() * 2
    }

    /// Rebuilds all chains, with as many buckets as the tokens need.
    pub(crate) fn rehash(&mut self) {
        self.buckets = vec![NIL; (Self::buckets_for(self.tokens) * N).max(self.buckets.len())];
        for page in 1..self.pages.len() as u32 {
            self.places(page).for_each(|place| self.link(place));
        }
    }

    /// The buckets of the contexts before a place, one per order; `None` where the text does not reach back that far.
    fn contexts(&self, place: Place) -> [Option<usize>; N] {
        let mut at = place;
        self.buckets_of(std::iter::from_fn(|| {
            at = self.before(at);
            (at != NIL).then(|| self.token(at))
        }))
    }

    /// The buckets of a context, given from its last token backwards.
    pub(crate) fn buckets_of(&self, mut context: impl Iterator<Item = u32>) -> [Option<usize>; N] {
        let mut buckets = [None; N];
        let mut state = 0_u64;
        let mut length = 0;
        let each = self.buckets.len() / N;
        for ((index, order), bucket) in self.orders.iter().enumerate().zip(&mut buckets) {
            while length < *order {
                let Some(token) = context.next().filter(|token| *token != UNKNOWN) else { return buckets };
                state = (state.rotate_left(23) ^ u64::from(base(token))).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                length += 1;
            }
            // Each order has its own part of the table, because its chains run through its own links.
            let mixed = (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32;
            *bucket = Some(index * each + (mixed as usize & (each - 1)));
        }
        buckets
    }

    /// The places in a chain, newest first. Some may follow other contexts, so compare the tokens.
    pub(crate) fn chain(&self, order: usize, bucket: usize) -> impl Iterator<Item = Place> + '_ {
        let first = self.buckets.get(bucket).copied().unwrap_or(NIL);
        let next = move |place: &Place| {
            let block = self.blocks.get(*place as usize / BLOCK)?;
            Some(block.links.get(*place as usize % BLOCK)?.get(order)?.next)
        };
        std::iter::successors(Some(first), next).take_while(|place| *place != NIL)
    }

    /// How many of the last tokens of `context` stand before the place, up to [`LONGEST_MATCH`].
    pub(crate) fn match_length(&self, place: Place, context: &[u32]) -> usize {
        let mut at = place;
        let mut length = 0;
        for token in context.iter().rev().take(LONGEST_MATCH) {
            at = self.before(at);
            if at == NIL || base(self.token(at)) != base(*token) {
                break;
            }
            length += 1;
        }
        length
    }
}
