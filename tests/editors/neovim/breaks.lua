-- Line breaks in a real Neovim: files with CRLF, with CR alone, and with a CR inside a line. What is accepted has no stray CR, and the server has
-- the text that Neovim has.
local place = vim.env.PLACE
package.path = place .. '/?.lua;' .. package.path
local driver = dofile(vim.env.HERE .. '/driver.lua')
local init = _G.arg[1]

local lines = vim.fn.readfile(place .. '/workspace/orders.py')

--- Writes the file with these line breaks, and a text in front of it.
local function write(name, ending, head)
  local path = place .. '/workspace/' .. name
  local file = assert(io.open(path, 'wb'))
  file:write(head .. table.concat(lines, ending) .. ending)
  file:close()
  return path
end

--- The text as Neovim has it, and as the server has it.
local function texts(editor)
  return editor:lua([[
    local client = vim.lsp.get_clients()[1]
    local ending = ({ unix = '\n', dos = '\r\n', mac = '\r' })[vim.bo.fileformat]
    local own = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), ending) .. (vim.bo.eol and ending or '')
    local reply = client:request_sync('pennyworth/viewFileText', { uri = vim.uri_from_bufnr(0) }, 10000, 0)
    return { own, reply and reply.result }
  ]])
end

for _, case in ipairs({
  { name = 'dos.py', ending = '\r\n', head = '', format = 'dos', crs = 0 },
  { name = 'stray.py', ending = '\n', head = '# a\rb\n', format = 'unix', crs = 1 },
  { name = 'mixed.py', ending = '\n', head = '# a\r\n# b\n', format = 'unix', crs = 1 },
  { name = 'dos_stray.py', ending = '\r\n', head = '# a\rb\r\n', format = 'dos', crs = 1 },
}) do
  local editor = driver.start(init, write(case.name, case.ending, case.head))
  driver.same(case.name .. ': the format', editor:lua('return vim.bo.fileformat'), case.format)
  driver.becomes(case.name .. ': the server is attached', true, function()
    return editor:lua([[local client = vim.lsp.get_clients()[1] return client ~= nil and client.initialized == true]])
  end)
  editor:keys('G$a')
  -- Neovim indents by itself.
  editor:type('\nwith op')
  driver.becomes(case.name .. ': ghost text', 'en(path) as handle:', function()
    return vim.split(editor:ghost('nvim.lsp.inline_completion'), '\n')[1]
  end)
  editor:keys('<Tab>')
  driver.becomes(case.name .. ': it is accepted', true, function()
    return editor:text():find('load_products(path):\n    with open(path) as handle:', 1, true) ~= nil
  end)
  -- Several lines at once, as the completion command inserts them.
  local _, crs = editor:text():gsub('\r', '')
  driver.same(case.name .. ': no CR but those that were there', crs, case.crs)
  local found = texts(editor)
  driver.same(case.name .. ': the server has the same text', found[2], found[1])
  editor:quit()
end
driver.finish()
