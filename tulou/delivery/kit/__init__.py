"""What every dialect needs: routes, authentication, errors, streams."""
