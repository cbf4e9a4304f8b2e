-- Gives the whole text of a buffer if Neovim no longer sends its edits. Neovim stops following a buffer that is edited while no server
-- runs, as after a crash, and does not resume with the next server. It leaves sending to `client`.
local M = {}

-- By buffer: the changedtick of the last edit, and the one up to which we sent the text.
local edited, sent = {}, {}

--- Notes the edits of a buffer.
---@param buf integer
function M.watch(buf)
  if edited[buf] then return end
  edited[buf] = 0
  vim.api.nvim_buf_attach(buf, false, {
    on_lines = function(_, _, tick) edited[buf] = tick end,
    -- Neovim itself opens the document again then.
    on_reload = function() end,
    on_detach = function() edited[buf], sent[buf] = nil, nil end,
  })
end

--- The whole document, if the server needs it from us; nil if Neovim sends the edits.
---@param buf integer
---@return table? params of `textDocument/didChange`
function M.missed(buf)
  -- Neovim records here the last changedtick that it has seen.
  local seen, tick = vim.lsp.util.buf_versions, edited[buf]
  if not seen or not tick or tick == 0 or seen[buf] == tick or sent[buf] == tick then return end
  sent[buf] = tick
  local ends = ({ dos = '\r\n', mac = '\r' })[vim.bo[buf].fileformat] or '\n'
  local text = table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), ends) .. (vim.bo[buf].eol and ends or '')
  return { textDocument = { uri = vim.uri_from_bufnr(buf), version = tick }, contentChanges = { { text = text } } }
end

return M
