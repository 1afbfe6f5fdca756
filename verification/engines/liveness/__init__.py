"""What the frames of a live capture show: landmarks, gestures, depth, one continuous face, freshness. Numbers, no verdict."""
