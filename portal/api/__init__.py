"""The same for programs: JSON under `/api/v1`, for tokens with the scope that it takes."""
