'use strict';
// Finds the shared library of this platform: beside the package, or in the platform's own package.

const path = require('node:path');

const platform = `${process.platform}-${process.arch}`;
const beside = path.join(__dirname, '..', `rollgate.${platform}.node`);
const platformPackage = `@rollgate/${platform}`;

function load() {
  const tried = [];
  for (const place of [beside, platformPackage]) {
    try {
      return require(place);
    } catch (error) {
      const isMissing = error.code === 'MODULE_NOT_FOUND' && String(error.message).includes(place);
      if (!isMissing) {
        throw unusable(`rollgate's library for ${platform} does not load: ${error.message}`, error);
      }
      tried.push(place);
    }
  }
  throw unusable(
    `rollgate has no library for ${platform}: install ${platformPackage}, an optional dependency that npm leaves out ` +
      `with --omit=optional (tried ${tried.join(' and ')})`,
  );
}

function unusable(message, cause) {
  const error = new Error(message, cause && { cause });
  error.code = 'ERR_ROLLGATE_NO_LIBRARY';
  error.package = platformPackage;
  return error;
}

module.exports = load();
