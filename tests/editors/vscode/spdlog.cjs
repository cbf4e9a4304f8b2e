// Replaces the editor's native logger, which would have to be compiled, and writes the same log files in the same places.
// It has only the functions that the editor calls.
const { appendFileSync, mkdirSync } = require('node:fs');
const { dirname } = require('node:path');

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical'];

class Logger {
  constructor(_type, _name, file) {
    mkdirSync(dirname(file), { recursive: true });
    Object.assign(this, { file, level: 2 });
  }
  write(level, text) {
    if (level < this.level) return;
    appendFileSync(this.file, this.isBare ? text : `${new Date().toISOString()} [${LEVELS[level]}] ${text}\n`);
  }
  getLevel() {
    return this.level;
  }
  setLevel(level) {
    this.level = level;
  }
  clearFormatters() {
    this.isBare = true;
  }
  setPattern() {}
  flush() {}
  drop() {}
}
LEVELS.forEach((name, level) => {
  Logger.prototype[name] = function (text) {
    this.write(level, text);
  };
});

const create = async (name, file) => new Logger('', name, file);
// Exported one by one, or an import as a module does not see them.
exports.version = 1;
exports.Logger = Logger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
