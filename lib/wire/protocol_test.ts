/** Tests that docs/PROTOCOL.md says what the schema says. */
import assert from "node:assert/strict";
import { fixedSize } from "./fields.ts";
import { localSize } from "./local.ts";
import type { FrameType } from "./frame.ts";
import { type FieldType, frames, frameTypes, local } from "./schema.ts";

const page = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));

Deno.test("docs/PROTOCOL.md draws every local message as the schema has it", () => {
  for (const [name, { id, doc, fields }] of Object.entries(local)) {
    let offset = 8;
    const parts: string[] = [];
    for (const [field, type] of Object.entries<FieldType>(fields)) {
      parts.push(`${offset} ${field} ${type}`);
      offset += fixedSize(type);
    }
    const row = `| ${name} | ${id} | ${localSize(name as keyof typeof local)} | ${
      parts.join("; ")
    } | ${doc} |`;
    assert.ok(page.includes(row), row);
  }
});

Deno.test("docs/PROTOCOL.md names every frame with its own fields in order", () => {
  const groups: Record<string, readonly string[]> = {
    identity: ["ticket", "startTicks", "homePid", "homeNode"],
    stamp: ["epoch", "sequence", "load", "cores", "speed"],
  };
  for (const [type, { fields }] of Object.entries(frames)) {
    const row = page.split("\n").find((line) =>
      line.startsWith(`| \`${type}\` | ${String.fromCharCode(frameTypes[type as FrameType])} |`)
    );
    const shown = (row?.split("|")[3] ?? "").trim().split(", ").flatMap((part) => {
      const group = /^\*(\w+)\*$/.exec(part)?.[1];
      if (group !== undefined) return groups[group] ?? [];
      return part.split(" ")[0] ?? "";
    });
    assert.deepEqual(shown, Object.keys(fields), type);
    for (const [field, fieldType] of Object.entries(fields)) {
      const grouped = Object.values(groups).some((names) => names.includes(field));
      assert.ok(grouped || row?.includes(`${field} ${fieldType}`), `${type}.${field}`);
    }
  }
});
