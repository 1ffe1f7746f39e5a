/** The syntax tree of TypeScript files, as the linter's parser gives it. */

/** Reads one file's syntax tree; the visitor's keys are selectors of nodes, such as `ImportDeclaration`. */
export function visit(path: string, text: string, visitor: Deno.lint.LintVisitor): void {
  Deno.lint.runPlugin({ name: "visit", rules: { visit: { create: () => visitor } } }, path, text);
}

/** What a module imports or re-exports, as written: values, types, `import("...")` of both kinds. */
export function importsIn(path: string, text: string): string[] {
  const found: string[] = [];
  const add = ({ source }: { source: Deno.lint.Node | null }) => {
    if (source?.type === "Literal" && typeof source.value === "string") found.push(source.value);
  };
  visit(path, text, {
    ImportDeclaration: add,
    ExportNamedDeclaration: add,
    ExportAllDeclaration: add,
    ImportExpression: add,
    TSImportType(node) {
      const argument = node.argument as Deno.lint.Node;
      const literal = argument.type === "TSLiteralType" ? argument.literal : argument;
      add({ source: literal as Deno.lint.Node });
    },
  });
  return found;
}
