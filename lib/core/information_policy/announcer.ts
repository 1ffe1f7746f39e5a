/**
 * Announces a node's letter and load.
 *
 * With a stamp; the load where somebody asks. The information policy is state-change-driven in the
 * terms of Shivaratri, Krueger and Singhal (Computer 25(12), 1992): a node tells all associated nodes
 * when its letter changes, as in Shin and Chang (IEEE Transactions on Computers 38(8), 1989).
 *
 * @module
 */

import type { Capacity } from "../contract/capacity.ts";
import type { Effect } from "../contract/effect.ts";
import type { Announcement, Letter, NodeName } from "../contract/names.ts";

/** What an announcer works with. */
export interface AnnouncerOptions {
  readonly epoch: number;
  /** Processes per unit of capacity; null: the policy does not tell it. */
  readonly load: () => number | null;
  /** Told with it. */
  readonly capacity: Capacity;
  readonly emit: (effect: Effect) => void;
}

/** Holds the letter and tells its changes. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  #letter: Letter = "U";
  #seq = 0;
  /** The load that all were told last. */
  #told = 0;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  get letter(): Letter {
    return this.#letter;
  }

  /** What is told now. */
  get announcement(): Announcement {
    const announcement = { letter: this.#letter, epoch: this.#options.epoch, seq: this.#seq };
    const load = this.#options.load();
    return load === null
      ? announcement
      : { ...announcement, load, capacity: this.#options.capacity };
  }

  /** Tells one node, with `greeting` as one that wants its letter in turn. */
  tell(node: NodeName, greeting: boolean): void {
    const { announcement } = this;
    this.#options.emit({ type: "tellLetter", node, greeting, announcement });
  }

  /** Tells all the same letter again if the load has changed by so much since all were told. */
  retell(change: number): void {
    if (Math.abs((this.#options.load() ?? 0) - this.#told) >= change) this.#tellAll();
  }

  /** Tells all if the letter is another. */
  update(letter: Letter): void {
    if (letter === this.#letter) return;
    this.#letter = letter;
    this.#seq++;
    this.#tellAll();
  }

  #tellAll(): void {
    const { announcement } = this;
    this.#told = announcement.load ?? 0;
    this.#options.emit({ type: "announce", announcement });
  }
}
