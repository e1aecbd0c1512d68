using Microsoft.AspNetCore.Identity;
using OathServer.Storage;

namespace OathServer.Access;

/// <summary>What a password of staff must be. Length is what counts; rules about kinds of characters are not made
/// (NIST SP 800-63B §5.1.1.2, ASVS 5 V6.2).</summary>
internal sealed class StaffPasswords : IPasswordValidator<StaffMember>
{
    public const int LengthMin = 12;

    /// <summary>Longer ones only cost hashing.</summary>
    public const int LengthMax = 256;

    private const int DistinctMin = 5;

    private static readonly string[] Guessed = ["password", "oathserver", "qwerty", "123456", "letmein", "administrator"];

    /// <summary>OWASP's floor for PBKDF2-HMAC-SHA-512, which Identity uses with 100,000 unless told otherwise.</summary>
    public const int Iterations = 210_000;

    public Task<IdentityResult> ValidateAsync(UserManager<StaffMember> manager, StaffMember user, string? password) =>
        Task.FromResult(FaultOf(user.UserName ?? "", password ?? "") is { } fault
            ? IdentityResult.Failed(new IdentityError { Code = "password", Description = fault })
            : IdentityResult.Success);

    internal static string? FaultOf(string name, string password)
    {
        if (password.Length is < LengthMin or > LengthMax)
        {
            return $"A password has {LengthMin} to {LengthMax} characters; a few words that do not belong together are a good one.";
        }

        if (password.Distinct().Count() < DistinctMin)
        {
            return "This password repeats too few characters.";
        }

        // What is left without the words everybody tries first must still be long enough to be guessed at.
        var rest = password;
        foreach (var word in name.Length >= 3 ? [.. Guessed, name] : Guessed)
        {
            rest = rest.Replace(word, "", StringComparison.OrdinalIgnoreCase);
        }

        return rest.Length < LengthMin / 2 ? "This password is among the first that are tried; take other words." : null;
    }
}
