"""From what a caller gives (files, addresses, bytes, arrays) to checked pixels."""
