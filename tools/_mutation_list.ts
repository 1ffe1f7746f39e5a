/**
 * Breaks of lib/core that `lb simulate --check` should find; see `mutations.ts`.
 *
 * @module
 */

/** One break. */
export interface Mutation {
  readonly title: string;
  readonly file: string;
  /** A text that the file has exactly once. */
  readonly find: string;
  readonly replace: string;
  /** To be found where members come and go, not where jobs move. @default {false} */
  readonly isOfMembers?: boolean;
}

const balancer = "lib/core/balancer.ts";
const transitions = "lib/core/contract/transitions.ts";
const transfers = "lib/core/sending/transfers.ts";
const outlook = "lib/core/sending/outlook.ts";
const requests = "lib/core/sending/requests.ts";
const room = "lib/core/selection_policy/room.ts";
const victim = "lib/core/selection_policy/victim.ts";
const reservations = "lib/core/receiving/reservations.ts";
const admission = "lib/core/receiving/admission.ts";
const preferred = "lib/core/location_policy/preferred_list.ts";
const table = "lib/core/process_table.ts";
const round = "lib/core/sending/round.ts";
const announcer = "lib/core/information_policy/announcer.ts";
const letters = "lib/core/transfer_policy/load_state.ts";

/** All of them. */
export const mutations: readonly Mutation[] = [
  {
    title: "a place that is not used is kept for ever",
    file: reservations,
    find: "place.deadlineMs <= nowMs",
    replace: "false && place.deadlineMs <= nowMs",
  },
  {
    title: "a withdrawn offer keeps its place",
    file: balancer,
    find: "return this.#reservations.withdraw(event.ticket);",
    replace: "return;",
  },
  {
    title: "a process that did not arrive keeps its place",
    file: balancer,
    find:
      '        return this.#didNotArrive("info", this.#reservations.release(event.ticket), event.reason);',
    replace: "        return;",
  },
  {
    title: "a process that comes some other way leaves its place behind",
    file: balancer,
    find:
      "    this.#reservations.releaseProcess(process.id);\n    this.#table.put(process, weight);",
    replace: "    this.#table.put(process, weight);",
  },
  {
    title: "memory that arrives does not prolong the place",
    file: reservations,
    find: "const deadlineMs = nowMs + this.#timeouts.moveTimeoutMs;\n" +
      '    this.#take({ ...place, deadlineMs }, "started");',
    replace: 'this.#take(place, "started");',
  },
  {
    title: "a withdrawal frees a place whose memory is arriving",
    file: transitions,
    find: '  arriving: { started: "arriving",',
    replace: '  arriving: { withdrawn: "free", started: "arriving",',
  },
  {
    title: "places do not count in the load",
    file: balancer,
    find: "return this.#table.weight + this.#reservations.weight;",
    replace: "return this.#table.weight;",
  },
  {
    title: "the threads of what has left count for ever",
    file: table,
    find: "    this.#extra -= (this.#entries.get(id)?.weight ?? 1) - 1;\n",
    replace: "",
  },
  {
    title: "a place is one, however many threads come",
    file: admission,
    find: "weight: countedWeight(weight, facts) }, nowMs);",
    replace: "weight: 1 }, nowMs);",
  },
  {
    title: "threads go where they have no room",
    file: room,
    find: "if (weight <= 1 ||",
    replace: "if (weight >= 1 ||",
  },
  {
    title: "a node that is F takes processes",
    file: admission,
    find: "if (manual || place !== null) return null;",
    replace: "if (manual || place !== null || true) return null;",
  },
  {
    title: "a node that is U refuses every second process",
    file: admission,
    find: 'if (letter === "U") return noRoom(event, facts);',
    replace: 'if (letter === "U" && ticket % 2n === 0n) return noRoom(event, facts);',
  },
  {
    title: "a process is taken that runs here already",
    file: admission,
    find: 'if (table.get(id) !== null) return "it runs here already";',
    replace: "",
  },
  {
    title: "a process is taken whose earlier move still arrives",
    file: admission,
    find: 'if (place?.phase === "arriving") return "an earlier move of it is still arriving";',
    replace: "",
  },
  {
    title: "a drained node takes processes",
    file: admission,
    find: 'if (isDraining) return "the node is being drained";',
    replace: "",
  },
  {
    title: "what the driver refuses is taken",
    file: admission,
    find: "if (refusal !== null) return refusal;",
    replace: "",
  },
  {
    title: "an offer is answered twice",
    file: admission,
    find: "  const accepted = reason === null;\n",
    replace: "  const accepted = reason === null;\n" +
      '  emit({ type: "answerOffer", to: from, ticket, accepted, announcement: announcement(), reason });\n',
  },
  {
    title: "a node that has filled up tells so only later",
    file: admission,
    find: "    announceChange();\n",
    replace: "",
  },
  {
    title: "changes of the letter are not numbered",
    file: announcer,
    find: "this.#seq++;",
    replace: "",
  },
  {
    title: "changes of the letter are not told",
    file: announcer,
    find: "this.#seq++;\n    this.#tellAll();",
    replace: "this.#seq++;",
  },
  {
    title: "the letter is told after each event",
    file: announcer,
    find: "if (letter === this.#letter) return;",
    replace: "",
  },
  {
    title: "a letter has no hysteresis",
    file: letters,
    find: 'if (queueLength >= thresholds.thf) return "F";',
    replace: 'if (queueLength > thresholds.thu) return "F";',
  },
  {
    title: "late letters count",
    file: preferred,
    find: 'if (entry.last !== null && isBefore(announcement, entry.last)) return "late";',
    replace: "",
  },
  {
    title: "epochs are not compared",
    file: preferred,
    find: "a.epoch === b.epoch ? a.seq < b.seq : a.epoch < b.epoch",
    replace: "a.seq < b.seq",
  },
  {
    title: "a lost node keeps its stamp",
    file: preferred,
    find: '    entry.known = " ";\n    entry.last = null;',
    replace: '    entry.known = " ";',
  },
  {
    title: "a lost node keeps its letter",
    file: preferred,
    find: '    entry.known = " ";\n    entry.last = null;',
    replace: "    entry.last = null;",
  },
  {
    title: "who greets is not told the letter",
    file: balancer,
    find: "        this.#note(event.node, event.announcement);\n" +
      "        return this.#announcer.tell(event.node, false);",
    replace: "        return this.#note(event.node, event.announcement);",
  },
  {
    title: "a new connection is not greeted",
    file: balancer,
    find: "return this.#announcer.tell(event.node, true);",
    replace: "return;",
  },
  {
    title: "a moved process stays in the list",
    file: transfers,
    find: 'if (entry !== null && event.outcome === "moved") table.remove(entry.process.id);',
    replace: "",
  },
  {
    title: "an aborted move takes the process off the list",
    file: transfers,
    find: "      table.rest(entry.process.id, nowMs, retryDelayMs);",
    replace: "      table.remove(entry.process.id);",
  },
  {
    title: "an aborted move leaves the process marked as moving",
    file: table,
    find: "this.#update(id, { transit: null, failures, restsUntilMs });",
    replace: "this.#update(id, { failures, restsUntilMs });",
  },
  {
    title: "a process whose move was aborted does not rest",
    file: table,
    find: "this.#update(id, { transit: null, failures, restsUntilMs });",
    replace: "this.#update(id, { transit: null, failures });",
  },
  {
    title: "a refused process stays marked as moving",
    file: transfers,
    find: "    this.#options.table.stay(id);\n",
    replace: "",
  },
  {
    title: "an offer without an answer is waited for for ever",
    file: transfers,
    find: " || nowMs < transfer.offer.deadlineMs) continue;",
    replace: ' || transfer.phase === "offering") continue;',
  },
  {
    title: "an offer that was given up is not withdrawn",
    file: transfers,
    find: "        this.#withdraw(offer.ticket, offer.to);\n        const reason",
    replace: "        const reason",
  },
  {
    title: "an answer that comes too late is taken for this one",
    file: transfers,
    find: "const transfer = this.#underWay.find(ticket, input);",
    replace:
      'const transfer = this.#underWay.list().find(({ phase }) => phase === "offering") ?? null;',
  },
  {
    title: "an answer that comes too late keeps its place there",
    file: transfers,
    find: "      if (accepted) this.#withdraw(ticket, from);\n",
    replace: "",
  },
  {
    title: "the move of a process that is gone goes on",
    file: transfers,
    find: "if (offer !== null) this.#withdraw(offer.ticket, offer.to);",
    replace: "",
  },
  {
    title: "a process that is moving is chosen again",
    file: victim,
    find: "return entry.transit === null && entry.held === null",
    replace: "return entry.held === null",
  },
  {
    title: "a pinned process is chosen",
    file: victim,
    find: " && !entry.isPinned &&",
    replace: " &&",
  },
  {
    title: "a drained node sends its own processes only",
    file: outlook,
    find: 'if (this.#isDraining) return { kind: "drained" };',
    replace: "",
  },
  {
    title: "a node sends one process less than it must",
    file: balancer,
    find: ">= this.#thresholds.thv ?",
    replace: "> this.#thresholds.thv ?",
  },
  {
    title: "a node sends although it is not over",
    file: balancer,
    find: ">= this.#thresholds.thv ?",
    replace: ">= this.#thresholds.thv - 1 ?",
  },
  {
    title: "a check does not open the round again",
    file: transfers,
    find: "    this.#round.restart();\n    for (const transfer of",
    replace: "    for (const transfer of",
  },
  {
    title: "an inspection that was lost is not repeated",
    file: transfers,
    find: "      this.#inspect(transfer.request, nowMs);\n",
    replace: "",
  },
  {
    title: "a round has no end",
    file: round,
    find: "return this.#exhausted || this.#attempts >= ATTEMPTS_MAX;",
    replace: "return this.#exhausted;",
  },
  {
    title: "a node that refused is asked again at once",
    file: round,
    find: "return !this.#failed.has(node) && this.#refused.get(node)?.has(id) !== true;",
    replace: "return true;",
  },
  {
    title: "a node that is U again is not tried again before the check",
    file: balancer,
    find: 'if (announcement.letter === "U") this.#transfers.welcome(node);',
    replace: 'if (announcement.letter === "U") return;',
  },
  {
    title: "a new process does not open the round again",
    file: transfers,
    find: "    this.#round.reopen();\n  }\n\n  /** Takes a request by hand",
    replace: "  }\n\n  /** Takes a request by hand",
  },
  {
    title: "a process that comes home leaves its move unfinished",
    file: balancer,
    find: '      this.#transfers.ended({ type: "moveEnded", ticket, outcome: "moved" }, nowMs);',
    replace: "      void ticket, nowMs;",
  },
  {
    title: "a move by hand is answered twice",
    file: transfers,
    find: "      if (request !== null) this.#fail(request, event.reason);",
    replace: "      if (request !== null) this.#fail(request, event.reason);\n" +
      "      if (request !== null) this.#fail(request, event.reason);",
  },
  {
    title: "a move by hand that was aborted is not answered",
    file: transfers,
    find: "      if (request !== null) this.#fail(request, event.reason);",
    replace: "",
  },
  {
    title: "moves by hand of a process that is gone wait for ever",
    file: requests,
    find: "this.#waiting = this.#waiting.filter((request) => request.id !== id);",
    replace: "return removed;",
  },
  {
    title: "who asks for a process gets no answer",
    file: balancer,
    find: "else this.#refuseAsk(node);",
    replace: "",
  },
];
