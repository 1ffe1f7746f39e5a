/**
 * What the numbers in frames and local messages stand for.
 *
 * @module
 */

/** What a TCP connection is for; sent in hello. */
export const roles = {
  daemon: 1,
  memory: 2, // a process's memory, by the ticket of its offer
  link: 3, // a link of a copy that has had one, or that its shadow expects by PREPARE
  command: 4,
  restart: 5, // the first link of an image: there is one copy of it only
} as const;

/** What a frame `command` asks for. */
export const commands = {
  migrate: 1, // move the process to `destination`, or to the preferred node when that is empty
  home: 2, // bring the process home
  checkpoint: 3, // write its image to `path` and leave a waiting shadow
  snapshot: 4, // write its image to `path`; it goes on
  pin: 5, // the balancer leaves it where it is
  unpin: 6, // the balancer may move it again
  drain: 7, // the node (no process) sends all away and takes nothing
  undrain: 8, // the node takes processes again
  why: 9, // tell what keeps the process where it is, and the last decisions about it
  join: 10, // the node becomes a member of the cluster that `destination` is in
  leave: 11, // the node is no member any more
  drainGuests: 12, // the node sends its guests away and takes nothing; its own processes stay
  fate: 14, // tell what became of a move to this node, by its ticket; "": nothing is known
  wake: 13, // a guest that is stopped for the owner of its node goes on, as its home wants it back
} as const;

/** What an order asks of a process. */
export const orders = {
  none: 0, // the order no longer stands
  move: 1, // stream to the socket, then become the shadow
  checkpoint: 2, // write the image file, then become a waiting shadow
  snapshot: 3, // write the image file and go on
  home: 4, // a guest: go home
} as const;

/** How an order ended, in LocalReport. */
export const outcomes = { moved: 0, aborted: 1, written: 2 } as const;

/** What became of an identity or a ticket, as its home tells it. */
export const verdicts = {
  live: 1, // this ticket is the live one
  dead: 2, // this ticket will never be live again: that copy must exit
  unknown: 3, // nothing can be said yet: ask again
} as const;

/** States of a keeper's guest or of a shadow, in LocalKeeper and LocalShadow. */
export const guestStates = {
  restoring: 1,
  running: 2,
  ended: 3,
  left: 4,
  lost: 5,
  waiting: 6,
} as const;

/** What the answer to Register tells a program of its node's config. */
export const registration = {
  stopByHand: 1, // sigtstp = "stop"
  sigwinch: 2, // trigger-signal = "SIGWINCH"
  threadsMove: 4, // threads = "move"
} as const;

/** What a frame `gossip` says or asks. */
export const gossipKinds = {
  ping: 1, // are you there? answered by ack
  ack: 2,
  ask: 3, // ping `target` for me; answered by heard or unheard
  heard: 4,
  unheard: 5,
  news: 6, // claims that are new to the sender; not answered
  sync: 7, // all claims of the sender; answered by synced
  synced: 8,
  refused: 9, // no to sync of a node that is no member: why, in `text`
  knock: 10, // a ping to a node that is not in the list of the sender; answered by ack
} as const;

/** What a claim holds of a member; of one incarnation the greater number counts. */
export const memberStatuses = { alive: 1, suspected: 2, failed: 3, left: 4 } as const;

/** Bits of a claim's `flags`. */
export const memberFlags = {
  open: 1, // it has joined, or its config names no associated node: lists are extended by it
} as const;
