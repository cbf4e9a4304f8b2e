-- Arithmetic on text: positions in the protocol's units, the next word or line of a suggestion, and how it fits the existing text.
-- Pure functions: it leaves buffers to its callers.
local M = {}

-- Older versions take other arguments, and fail past the end of a line instead of stopping there.
local is_old = vim.fn.has('nvim-0.11') == 0

--- Converts a position from an encoding's units to a byte offset in the line. A position past the end becomes the end.
---@param line string
---@param units integer
---@param encoding string
---@return integer
function M.byte(line, units, encoding)
  if encoding == 'utf-8' then return math.min(units, #line) end
  if not is_old then return vim.str_byteindex(line, encoding, units, false) end
  local utf32, utf16 = vim.str_utfindex(line)
  local is_utf16 = encoding == 'utf-16'
  return vim.str_byteindex(line, math.min(units, is_utf16 and utf16 or utf32), is_utf16)
end

--- The number of characters of a text.
---@param text string
---@return integer
function M.chars(text) return vim.fn.strchars(text) end

--- White space, then a word or a run of punctuation: what one key accepts. Letters beyond ASCII belong to words.
---@param text string
---@return string
function M.next_word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w_%s\128-\255]+') or text
end

--- The rest of a suggestion's line; at its end, the next line.
---@param text string
---@return string
function M.next_line(text) return text:match('^\n*[^\n]*') end

--- Finds the characters of `inside` in `text`, one after the other. Returns the byte offset in `text` behind each one found, in order.
---@param text string
---@param inside string
---@return integer[]
function M.thread(text, inside)
  local found, from = {}, 1
  for character in inside:gmatch('[%z\1-\127\194-\244][\128-\191]*') do
    local _, last = text:find(character, from, true)
    if not last then break end
    found[#found + 1] = last
    from = last + 1
  end
  return found
end

--- Whether inserting alone turns `inside` into `text`: `text` contains all its characters, in order.
---@param text string
---@param inside string
---@return boolean
function M.extends(text, inside) return #M.thread(text, inside) == M.chars(inside) end

--- How many bytes of `covered` the first part of a suggestion contains, and so replaces.
---@param part string
---@param covered string
---@return integer
function M.brought(part, covered)
  return vim.fn.byteidx(covered, #M.thread(part, covered))
end

return M
