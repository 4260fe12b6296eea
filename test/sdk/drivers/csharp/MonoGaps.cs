using System;

/// <summary>What the SDK takes from .NET Core 2.1 and mono has not.</summary>
internal static class MonoGaps
{
    internal static string[] Split(this string text, string separator)
    {
        return text.Split(new[] { separator }, StringSplitOptions.None);
    }
}
