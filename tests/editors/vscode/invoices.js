const { pool } = require('./pool');

async function addInvoice(invoice) {
  const connection = await pool.connect();
  await connection.insert('invoices', invoice);
}

async function addReminder(reminder) {
  const connection = await pool.connect();
  await connection.insert('reminders', reminder);
}

async function addReceipt(receipt) {
  const connection = await pool.connect();
  await connection.insert('receipts', receipt);
}

