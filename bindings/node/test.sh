#!/bin/sh
# Everything that tests the Node binding.
set -eu
cd "$(dirname "$0")/../.."
exec cargo xtask node-test
