/**
 * The version of lb, as package.json has it.
 *
 * @module
 */
import manifest from "../../package.json" with { type: "json" };

/** Version of lb, `MAJOR.MINOR.PATCH`. */
export const version: string = manifest.version;
