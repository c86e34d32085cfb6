"""The model: documents, fields, IDF and epJSON, weather files and the site."""
