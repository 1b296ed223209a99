// Here Node runs the sources as they are; a package has the bundle that `npm pack` makes of them (decision 0019).
const { existsSync } = require('node:fs');
const { join } = require('node:path');

require(existsSync(join(__dirname, 'source.js')) ? './source.js' : './dist/pack.cjs');
