/**
 * Fault points, at which tests make a part fail.
 *
 * @module
 */

/**
 * Fault points (only in dist/faults, a build for tests): `LB_FAULT=NUMBER:ACTION` in the environment of the part that owns the
 * point makes it fail there once; ACTION is kill (SIGKILL self), hang (sleep for ever), pause (1.5 s), cut (shut
 * the stream down) or fail (take the error path).
 */
export const faults = {
  sourceFetched: 1, // library at home: order fetched, nothing sent
  sourceTable: 2, // header and table sent
  sourceMemory: 3, // in the middle of memory
  sourceSent: 4, // all memory sent, MAPPED not yet seen
  sourceMapped: 5, // MAPPED seen, GO not sent
  sourceGo: 6, // GO sent, RUNNING not seen
  sourceRunning: 7, // RUNNING seen, before it becomes the shadow
  shadowStart: 8, // shadow has started, SERVE not sent
  shadowServed: 9, // SERVE sent
  guestTable: 20, // restorer: table read
  guestMemory: 21, // restorer: in the middle of memory
  guestMapped: 22, // restorer: all mapped, MAPPED not sent
  guestGo: 23, // restorer: GO seen, before the jump into the library
  guestRunning: 24, // library: resumed, RUNNING not sent
  guestParked: 25, // library: RUNNING sent, SERVE not seen
  guestServed: 26, // library: SERVE seen
  movePrepare: 40, // guest moving on: PREPARE sent, not answered
  movePrepared: 41, // guest moving on: PREPARED seen
  moveActivate: 42, // new copy: before ACTIVATE
  shadowActivate: 43, // shadow: ACTIVATE seen, nothing changed
  shadowActivated: 44, // shadow: ticket changed, nobody told
  homeBegin: 60, // guest: HOME sent
  homeEnter: 61, // shadow: before it makes way for the process
  homeReady: 62, // at home: READY sent
  homeMemory: 63, // at home: in the middle of memory
  homeMapped: 64, // at home: MAPPED not sent
  homeGo: 65, // at home: GO seen
  homeConfirm: 66, // at home: resumed, RUNNING not sent
} as const;
