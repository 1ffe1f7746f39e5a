/**
 * Which node begins a move.
 *
 * The node that is over, the node that has room, or both.
 *
 * - "sender": an over node sends; what the thesis does.
 * - "receiver": a node that is U asks up to L nodes that are F, one after the other, at each departure,
 *   at each check, and when it hears that one has become F
 *   (Eager, Lazowska and Zahorjan, "A Comparison of Receiver-Initiated and Sender-Initiated Adaptive
 *   Load Sharing", Performance Evaluation 6, 1986). It is better at high load, where who looks finds
 *   at once, and costs little where all are busy. Theirs pays for taking processes that have begun
 *   already; here every move is of such a one.
 * - "symmetric": both (Shivaratri, Krueger and Singhal, "Load Distributing for Locally Distributed
 *   Systems", Computer 25(12), 1992). Their stable form asks only those that are known to be senders;
 *   so do both here, as letters tell it.
 *
 * Who is asked gives if it has clearly more, by the rule of `probing.ts`: a move makes the longer of
 * two queues shorter. Where many idle nodes find nothing, each waits for longer and longer.
 *
 * @module
 */

/** Checks to wait at most: a minute and more at the default frequency. */
const CHECKS_MAX = 16;

/** Checks to wait after so many rounds in a row in which nobody gave. */
export function backOff(rounds: number): number {
  return Math.min(CHECKS_MAX, 2 ** (rounds - 1));
}
