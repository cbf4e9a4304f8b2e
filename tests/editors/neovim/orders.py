import json


def load_orders(path):
    with open(path) as handle:
        return json.load(handle)


def load_invoices(path):
    with open(path) as handle:
        return json.load(handle)


def load_customers(path):
    with open(path) as handle:
        return json.load(handle)


def load_products(path):
