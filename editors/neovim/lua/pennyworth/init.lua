-- The plugin's public functions, for a user's configuration. It leaves the work to the files that they name.
local M = {}

local is_set_up = false

--- Sets the plugin up; a second call replaces the options of the first. See `:help pennyworth-options`.
---@param options? table
function M.setup(options)
  local config = require('pennyworth.config')
  config.set(options)
  is_set_up = true
  require('pennyworth.ghost').highlight()
  require('pennyworth.keys').map(config.now.keymaps)
  require('pennyworth.commands').create()
  require('pennyworth.status').listen()
  require('pennyworth.suggestion').watch()
  require('pennyworth.client').watch()
end

--- Sets the plugin up with its defaults, unless `setup` was called.
function M.setup_once()
  if not is_set_up then M.setup() end
end

--- Accepts the suggestion, its next word, or the rest of its line. False if nothing is shown.
---@return boolean
function M.accept() return require('pennyworth.suggestion').accept() end
---@return boolean
function M.accept_word() return require('pennyworth.suggestion').accept(require('pennyworth.text').next_word) end
---@return boolean
function M.accept_line() return require('pennyworth.suggestion').accept(require('pennyworth.text').next_line) end

--- Shows the next of several suggestions; if there is only one, asks for another. False if nothing is shown.
---@return boolean
function M.next() return require('pennyworth.suggestion').next() end

--- Dismisses the suggestion. False if nothing is shown.
---@return boolean
function M.dismiss() return require('pennyworth.suggestion').dismiss() end

--- Asks for a suggestion here and now, which shows more than typing does. False if no server serves this buffer.
---@return boolean
function M.trigger() return require('pennyworth.suggestion').ask('invoked') end

--- Whether a suggestion is on the screen.
---@return boolean
function M.is_shown() return require('pennyworth.suggestion').is_shown() end

--- The last status of a buffer's server, as in the notification `$/pennyworth/status`; nil before the first one.
---@param buf? integer
---@return table?
function M.status(buf) return require('pennyworth.status').of(buf) end

--- A few words for a statusline, empty if no server serves the current buffer.
---@return string
function M.statusline() return require('pennyworth.status').line() end

return M
