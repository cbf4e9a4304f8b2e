"""Where the shop keeps what it knows: one JSON file for each kind of thing."""

import json
from pathlib import Path


def load_orders(path):
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)


def load_customers(path):
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)


def load_suppliers(path):
    with open(path, encoding="utf-8") as handle:
        return [line.strip() for line in handle]


def load_products(path):
    with open(path, encoding="utf-8") as handle:
        rows = handle.readlines()
    return {row.split()[0]: row for row in rows}


def save_orders(path, orders):
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(orders, handle, indent=2)


def save_customers(path, customers):
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(customers, handle, indent=2)


def save_products(path, products):
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(products, handle, indent=2)


def total_of_orders(orders):
    return sum(order["price"] * order["amount"] for order in orders)


def folder_of(path):
    return Path(path).resolve().parent
