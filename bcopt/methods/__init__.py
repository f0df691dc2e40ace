"""How problems are solved: methods that know no model and no paper."""
