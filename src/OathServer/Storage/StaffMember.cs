using Microsoft.AspNetCore.Identity;

namespace OathServer.Storage;

/// <summary>Somebody who works here and signs in with a password of their own (ASP.NET Core Identity).</summary>
internal sealed class StaffMember : IdentityUser<int>
{
    public required string Role { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>Since when this person may not sign in; null while they may.</summary>
    public DateTimeOffset? DisabledAt { get; set; }

    public DateTimeOffset? LastSignInAt { get; set; }
}

/// <summary>A link that lets one person choose a password, once, before it expires. Kept as a keyed hash.</summary>
internal sealed class StaffLink
{
    public int Id { get; set; }

    /// <summary>HMAC-SHA-256 of the link's token under the server's hashing key.</summary>
    public required byte[] Hash { get; set; }

    /// <summary>Whose password it sets; null for the first administrator, who names themselves.</summary>
    public int? StaffId { get; set; }

    public DateTimeOffset ExpiresAt { get; set; }

    public DateTimeOffset? UsedAt { get; set; }
}

/// <summary>The question of a passkey sign-in that was answered: the same answer counts no second time.</summary>
internal sealed class SpentChallenge
{
    /// <summary>SHA-256 of the challenge and what else the question held.</summary>
    public required byte[] Hash { get; set; }

    /// <summary>When the question is too old to be answered anyway.</summary>
    public DateTimeOffset ForgetAt { get; set; }
}

/// <summary>A key of the session cookies, shared by all nodes, sealed (<see cref="Secrets.SealedPlace.CookieKey"/>).</summary>
internal sealed class CookieKey
{
    public int Id { get; set; }

    public required string Name { get; set; }

    public required byte[] SealedValue { get; set; }
}
