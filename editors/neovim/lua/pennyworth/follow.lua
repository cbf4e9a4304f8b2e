-- Whether Neovim still tells the server what is typed. It stops following a buffer that is edited while no server is there, as after
-- one died, and does not begin again with the next server. Then the whole text is sent ahead of a question about it.
local M = {}

-- The change of each buffer's lines that was the last one, and the one up to which we told the server.
local edited, sent = {}, {}

--- Notes the edits of a buffer.
---@param buf integer
function M.watch(buf)
  if edited[buf] then return end
  edited[buf] = 0
  vim.api.nvim_buf_attach(buf, false, {
    on_lines = function(_, _, tick) edited[buf] = tick end,
    -- Neovim opens it anew by itself then.
    on_reload = function() end,
    on_detach = function() edited[buf], sent[buf] = nil, nil end,
  })
end

--- The document that the server must know of if Neovim does not tell it; nil where it does.
---@param buf integer
---@return table? params of `textDocument/didChange`
function M.missed(buf)
  -- Neovim notes here which change it has seen.
  local seen, tick = vim.lsp.util.buf_versions, edited[buf]
  if not seen or not tick or tick == 0 or seen[buf] == tick or sent[buf] == tick then return end
  sent[buf] = tick
  local ends = ({ dos = '\r\n', mac = '\r' })[vim.bo[buf].fileformat] or '\n'
  local text = table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), ends) .. (vim.bo[buf].eol and ends or '')
  return { textDocument = { uri = vim.uri_from_bufnr(buf), version = tick }, contentChanges = { { text = text } } }
end

return M
