-- Draws a suggestion into a buffer with extmarks, the same on every version, without changing its text. It decides nothing.
local text = require('pennyworth.text')
local M = {}

local namespace = vim.api.nvim_create_namespace('pennyworth')
local GROUP = 'PennyworthSuggestion'

--- Links our highlight group, unless the user set it.
function M.highlight()
  -- Newer versions have their own group for this.
  local target = vim.fn.hlexists('ComplHint') == 1 and 'ComplHint' or 'Comment'
  vim.api.nvim_set_hl(0, GROUP, { link = target, default = true })
end

--- Expands tabs as the buffer would draw them, because virtual text gives them no width.
local function expand(line, column)
  return (line:gsub('[^\t]*\t?', function(part)
    local plain, tab = part:match('^([^\t]*)(\t?)$')
    column = column + vim.fn.strdisplaywidth(plain, column)
    if tab == '' then return plain end
    local width = vim.fn.strdisplaywidth('\t', column)
    column = column + width
    return plain .. (' '):rep(width)
  end))
end

local function mark(buf, row, col, options)
  options.hl_mode = 'combine'
  -- The line may be shorter by now; then the mark is about to be removed anyway.
  options.strict = false
  vim.api.nvim_buf_set_extmark(buf, namespace, row, col, options)
end

--- Draws the first line as insertions between the characters already there. `ends`: where it contains those characters.
local function draw_between(buf, row, col, first, ends, covered, column, below)
  local from, at = 1, 0
  for index = 1, #ends + 1 do
    local character = vim.fn.strcharpart(covered, index - 1, 1)
    local last = ends[index] and ends[index] - #character or #first
    local piece = first:sub(from, last)
    if piece ~= '' then
      mark(buf, row, col + at, { virt_text = { { expand(piece, column), GROUP } }, virt_text_pos = 'inline' })
    end
    column = column + vim.fn.strdisplaywidth(piece .. character, column)
    from, at = (ends[index] or last) + 1, at + #character
  end
  if #below > 0 then mark(buf, row, col, { virt_lines = below }) end
end

--- Draws the first line over the text already there; that text moves behind the last line.
local function draw_over(buf, row, col, first, tail, column, below)
  local line = expand(first, column)
  local hidden = vim.fn.strdisplaywidth(tail, column) - vim.fn.strdisplaywidth(line, column)
  local chunks = { { line .. (' '):rep(hidden), GROUP } }
  mark(buf, row, col, { virt_text = chunks, virt_text_pos = 'overlay', virt_lines = below })
end

--- Shows what would be inserted at a place, and hides what was shown before.
---@param buf integer
---@param row integer 0-based, like `col`, which counts bytes
---@param col integer
---@param rest string the text to insert
---@param covered string the text behind the cursor that it replaces
---@param kept string the rest of the line, which stays
function M.show(buf, row, col, rest, covered, kept)
  M.hide(buf)
  local lines = vim.split(rest, '\n', { plain = true })
  local before = vim.api.nvim_buf_get_text(buf, row, 0, row, col, {})[1] or ''
  local column = vim.fn.strdisplaywidth(before)
  local below = {}
  for index = 2, #lines do
    below[#below + 1] = { { expand(lines[index], 0), GROUP } }
  end
  local ends = text.thread(lines[1], covered)
  if #ends == text.chars(covered) and (#lines == 1 or kept == '') then
    draw_between(buf, row, col, lines[1], ends, covered, column, below)
  else
    if kept ~= '' and #below > 0 then table.insert(below[#below], { expand(kept, 0) }) end
    draw_over(buf, row, col, lines[1], covered .. kept, column, below)
  end
end

--- Hides what is shown.
---@param buf integer
function M.hide(buf)
  if vim.api.nvim_buf_is_valid(buf) then vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1) end
end

return M
