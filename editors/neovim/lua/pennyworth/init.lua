-- The plugin's face: what a configuration may call. Each function is a line or two; the work is in the files it names.
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

--- Sets it up with its defaults, unless that was done.
function M.setup_once()
  if not is_set_up then M.setup() end
end

--- Takes the suggestion, its next word, or the rest of its line. False if nothing is shown.
---@return boolean
function M.accept() return require('pennyworth.suggestion').accept() end
---@return boolean
function M.accept_word() return require('pennyworth.suggestion').accept(require('pennyworth.text').next_word) end
---@return boolean
function M.accept_line() return require('pennyworth.suggestion').accept(require('pennyworth.text').next_line) end

--- Shows the next of several suggestions; where there is one alone, asks for another. False if nothing is shown.
---@return boolean
function M.next() return require('pennyworth.suggestion').next() end

--- Takes the suggestion off the screen. False if nothing is shown.
---@return boolean
function M.dismiss() return require('pennyworth.suggestion').dismiss() end

--- Asks for a suggestion here and now, which shows more than typing does. False if no server serves this buffer.
---@return boolean
function M.trigger() return require('pennyworth.suggestion').ask('invoked') end

--- Whether a suggestion is on the screen.
---@return boolean
function M.is_shown() return require('pennyworth.suggestion').is_shown() end

--- What the server of a buffer last said of itself, as in the notification `$/pennyworth/status`; nil before it said anything.
---@param buf? integer
---@return table?
function M.status(buf) return require('pennyworth.status').of(buf) end

--- A few words for a statusline, empty where no server serves the current buffer.
---@return string
function M.statusline() return require('pennyworth.status').line() end

return M
